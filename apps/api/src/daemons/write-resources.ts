import { randomUUID } from "node:crypto";
import type { provisioner } from "@berth/contract";
import type { TransactionSql } from "@berth/database";
import type { Transition } from "../jobs/status.ts";
import { writeAgent } from "./write-agents.ts";

/** What a job's plan or apply came to. */
export interface WrittenResources {
  readonly jobId: string;
  /** Null where an import only describes. */
  readonly workspaceId: string | null;
  readonly transition: Transition;
  readonly resources: readonly provisioner.Resource[];
}

/** Writes resources in their order, with their agents; answers the agents' ids. */
export async function writeResources(
  sql: TransactionSql,
  { jobId, workspaceId, transition, resources }: WrittenResources,
): Promise<string[]> {
  const agentIds: string[] = [];
  for (const [position, resource] of resources.entries()) {
    const resourceId = randomUUID();
    await sql`
      insert into api.workspace_resource (id, job_id, transition, position, type, name, hide, icon, daily_cost, metadata)
      values (${resourceId}, ${jobId}, ${transition}, ${position}, ${resource.type}, ${resource.name}, ${resource.hide},
        ${resource.icon}, ${resource.dailyCost}, ${JSON.stringify(resource.metadata)}::text::jsonb)`;
    for (const [place, agent] of resource.agents.entries())
      agentIds.push(await writeAgent(sql, { jobId, workspaceId, resourceId, place }, agent));
  }
  return agentIds;
}
