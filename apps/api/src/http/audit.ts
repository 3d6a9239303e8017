import { randomUUID } from "node:crypto";
import type { TransactionSql } from "@berth/database";
import type { Route } from "@berth/http-api";

/** What a changing route says it did. */
export interface Audited {
  readonly resourceId: string;
  readonly organizationId?: string;
  /** Who did it, where nobody was logged in before. */
  readonly userId?: string;
  /** What changed, without secrets. */
  readonly diff?: Readonly<Record<string, unknown>>;
}

interface Circumstances {
  readonly route: Pick<Route, "id" | "audit" | "status">;
  readonly userId: string | undefined;
  readonly address: string;
  readonly userAgent: string;
  readonly requestId: string;
}

/** Writes one row in the change's own transaction. */
export async function audit(sql: TransactionSql, said: Audited, by: Circumstances): Promise<void> {
  const { route } = by;
  if (route.audit === undefined)
    throw new Error(`${route.id} changes something and declares no audit action`);
  await sql`
    insert into api.audit_log (id, organization_id, user_id, action, resource_type, resource_id, diff, status_code,
      ip_address, user_agent, request_id)
    values (${randomUUID()}, ${said.organizationId ?? null}, ${said.userId ?? by.userId ?? null}, ${route.audit.action},
      ${route.audit.resource}, ${said.resourceId}, ${JSON.stringify(said.diff ?? {})}::text::jsonb, ${route.status},
      ${by.address}, ${by.userAgent}, ${by.requestId})`;
}
