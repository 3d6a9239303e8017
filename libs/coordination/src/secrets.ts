import { createHmac, randomBytes, randomUUID } from "node:crypto";
import type { Sql } from "@berth/database";
import type { DeploymentSecrets } from "./types.ts";

/** Reads the deployment's secrets, making them the first time: of replicas that race, one's are taken by all. */
export async function readSecrets(sql: Sql): Promise<DeploymentSecrets> {
  const deploymentKey = await secretOf(sql, "deployment-key", randomBytes(32));
  const deploymentId = await secretOf(sql, "deployment-id", Buffer.from(randomUUID()));
  return {
    deploymentKey,
    deploymentId: deploymentId.toString(),
    derive: (purpose) => createHmac("sha256", deploymentKey).update(purpose).digest(),
  };
}

async function secretOf(sql: Sql, name: string, fresh: Buffer): Promise<Buffer> {
  await sql`insert into coordination.secret (name, value) values (${name}, ${fresh}) on conflict do nothing`;
  const [row] = await sql<{ value: Buffer }[]>`select value from coordination.secret where name = ${name}`;
  if (row === undefined) throw new Error(`reading secret: ${name} is not there`);
  return row.value;
}
