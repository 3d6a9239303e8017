import { createHash, timingSafeEqual } from "node:crypto";
import { CodedError } from "@berth/std";
import type { Call } from "@berth/rpc";
import type { EdgeContext } from "../edge-context.ts";
import { storedTags, type Tags } from "../jobs/tags.ts";

/** Key ids of daemons that have no key of their own: public clients know them. */
export const BUILT_IN_KEY = "00000000-0000-0000-0000-000000000001";
export const PRE_SHARED_KEY = "00000000-0000-0000-0000-000000000003";

/** Who a daemon's call comes from. */
export interface DaemonCaller {
  readonly keyId: string;
  readonly organizationId: string;
  /** The key's own tags; a daemon without a key brings its own. */
  readonly tags?: Tags;
}

const digest = (text: string) => createHash("sha256").update(text).digest();

/** How a provisioner key is stored. */
export function hashProvisionerKey(key: string): Buffer {
  return digest(key);
}

/** @throws CodedError unauthenticated or permission_denied, which a daemon takes as final. */
export async function authenticateDaemon(edge: EdgeContext, call: Call): Promise<DaemonCaller> {
  const builtIn = call.header("coder-provisioner-daemon-builtin");
  if (builtIn !== undefined)
    return bySecret(edge, builtIn, edge.secrets.derive("provisioner/built-in").toString("hex"), BUILT_IN_KEY);
  const preShared = call.header("coder-provisioner-daemon-psk");
  if (preShared !== undefined) return bySecret(edge, preShared, edge.preSharedKey?.reveal(), PRE_SHARED_KEY);
  const key = call.header("coder-provisioner-daemon-key");
  if (key !== undefined) return byKey(edge, key);
  throw new CodedError(
    "unauthenticated",
    "no provisioner credential was sent: set CODER_PROVISIONER_DAEMON_KEY or CODER_PROVISIONER_DAEMON_PSK",
  );
}

async function bySecret(
  edge: EdgeContext,
  given: string,
  expected: string | undefined,
  keyId: string,
): Promise<DaemonCaller> {
  if (expected === undefined || !timingSafeEqual(digest(given), digest(expected)))
    throw new CodedError(
      "unauthenticated",
      keyId === PRE_SHARED_KEY
        ? "the pre-shared key is not this deployment's: CODER_PROVISIONER_DAEMON_PSK must be the same at both ends"
        : "the built-in daemon's secret is not this deployment's",
    );
  const [row] = await edge.database.sql<{ id: string }[]>`select id from api.organization where is_default`;
  if (row === undefined) throw new CodedError("failed_precondition", "there is no default organization");
  return { keyId, organizationId: row.id };
}

async function byKey(edge: EdgeContext, key: string): Promise<DaemonCaller> {
  const [row] = await edge.database.sql<
    { id: string; organization_id: string; tags: Tags; deleted_at: Date | null }[]
  >`
    select id, organization_id, tags, deleted_at from api.provisioner_key where secret_hash = ${hashProvisionerKey(key)}`;
  if (row === undefined)
    throw new CodedError("unauthenticated", "CODER_PROVISIONER_DAEMON_KEY is no key of this deployment");
  if (row.deleted_at !== null) throw keyWasDeleted();
  return { keyId: row.id, organizationId: row.organization_id, tags: storedTags(row.tags) };
}

/** What a daemon hears whose key is gone. */
export function keyWasDeleted(): CodedError {
  return new CodedError("permission_denied", "the provisioner key was deleted");
}

/** Whether the caller may go on: only a key can be deleted under it. */
export async function keyStillStands(edge: EdgeContext, caller: DaemonCaller): Promise<boolean> {
  if (caller.keyId === BUILT_IN_KEY || caller.keyId === PRE_SHARED_KEY) return true;
  const rows = await edge.database.sql`
    select id from api.provisioner_key where id = ${caller.keyId} and deleted_at is null`;
  return rows.length > 0;
}
