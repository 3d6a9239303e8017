import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import fc from "fast-check";
import { testDatabase } from "@berth/testing";
import { mayRun, type Tags } from "../src/jobs/tags.ts";

const [here, elsewhere] = [randomUUID(), randomUUID()];
const tags = fc.dictionary(fc.constantFrom("gpu", "zone", "os"), fc.constantFrom("a", "A", ""), {
  noNullPrototype: true,
});
const job = fc.record({
  organization: fc.constantFrom(here, here, elsewhere),
  provisioner: fc.constantFrom("terraform", "terraform", "echo"),
  tags,
  machine: fc.constantFrom(null, null, "m1", "m2"),
});
const daemon = fc.record({
  provisioners: fc.constantFrom<readonly string[]>(["terraform"], ["echo", "terraform"]),
  tags,
});

const has = (daemonTags: Tags, wanted: Tags) =>
  Object.entries(wanted).every(([key, value]) => daemonTags[key] === value);

test("a job runs where its organization, provisioner, machine and all its tags are; without tags only where there are none", async () => {
  await using own = await testDatabase({ migrations: [] });
  const { sql } = own.database;
  await fc.assert(
    fc.asyncProperty(job, daemon, async (wanted, offered) => {
      const known = {
        organizationId: sql`${here}::uuid`,
        provisioners: sql`${[...offered.provisioners]}::text[]`,
        tags: sql`${JSON.stringify(offered.tags)}::text::jsonb`,
        machineId: sql`'m1'`,
      };
      const [row] = await sql<{ fits: boolean }[]>`
        select ${mayRun(sql, known)} as fits from (
          select ${wanted.organization}::uuid as organization_id, ${wanted.provisioner}::text as provisioner,
            ${JSON.stringify(wanted.tags)}::text::jsonb as tags, ${wanted.machine}::text as machine_id) job`;
      const untagged = Object.keys(wanted.tags).length === 0;
      expect(row?.fits).toBe(
        wanted.organization === here &&
          offered.provisioners.includes(wanted.provisioner) &&
          wanted.machine !== "m2" &&
          (untagged ? Object.keys(offered.tags).length === 0 : has(offered.tags, wanted.tags)),
      );
    }),
    { numRuns: 300 },
  );
});
