import { afterAll, beforeAll, expect, test } from "vitest";
import fc from "fast-check";
import { takeState } from "../src/states/take-state.ts";
import { snapshot } from "./edge/daemon.ts";
import { startDeployment, type Deployment, type Replica } from "./edge/deployment.ts";
import { makeWorld, postBuild } from "./edge/world.ts";

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment();
  replica = await deployment.startReplica();
});
afterAll(() => deployment[Symbol.asyncDispose]());

interface Kept {
  readonly lineage: string;
  readonly serial: number;
}

const step = fc.oneof(
  fc.record({ does: fc.constant("build" as const), begins: fc.boolean() }),
  fc.record({
    does: fc.constant("state" as const),
    build: fc.nat({ max: 3 }),
    lineage: fc.constantFrom("one", "one", "two"),
    serial: fc.nat({ max: 6 }),
  }),
);

test("whenever states come, a build's is of one lineage, never falls back, and rests once a later build has begun", async () => {
  const { database } = deployment;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const world = await makeWorld(database, replica.edge.hints);
      const builds: { jobId: string; buildId: string; begun: boolean }[] = [];
      const kept = async () => {
        const rows = await database.sql<(Kept & { id: string })[]>`
          select workspace_build_id as id, lineage, serial::int as serial from api.workspace_state
          where workspace_build_id = any(${builds.map(({ buildId }) => buildId)}::uuid[])`;
        return new Map(rows.map(({ id, lineage, serial }) => [id, { lineage, serial }]));
      };
      for (const taken of [{ does: "build" as const, begins: true }, ...steps]) {
        if (taken.does === "build") {
          await database.sql`update api.workspace_build set unfinished = false where workspace_id = ${world.workspaceId}`;
          const posted = await postBuild(database, replica.edge.hints, world);
          if (taken.begins)
            await database.sql`update api.job set started_at = now() where id = ${posted.jobId}`;
          builds.push({ ...posted, begun: taken.begins });
          continue;
        }
        const at = Math.max(0, builds.length - 1 - taken.build);
        const build = builds[at]!;
        const before = await kept();
        const outcome = await database.transaction((sql) =>
          takeState(sql, build.jobId, snapshot(taken.serial, taken.lineage)),
        );
        const after = await kept();
        const [was, is] = [before.get(build.buildId), after.get(build.buildId)];
        before.delete(build.buildId);
        after.delete(build.buildId);
        expect(after).toEqual(before);
        if (builds.slice(at + 1).some(({ begun }) => begun)) expect(outcome).toBe("later_build_began");
        if (outcome !== "taken") expect(is).toEqual(was);
        else expect(is).toEqual({ lineage: taken.lineage, serial: taken.serial });
        if (was !== undefined) expect(is?.lineage).toBe(was.lineage);
        expect(is?.serial ?? 0).toBeGreaterThanOrEqual(was?.serial ?? 0);
      }
    }),
    { numRuns: 25 },
  );
});
