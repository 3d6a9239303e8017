import { messageOf, sleep } from "@berth/std";
import type { Lease } from "@berth/coordination";
import type { EdgeContext } from "../edge-context.ts";

const EVERY_MS = 3_600_000;
const FORGOTTEN_AFTER = "7 days";

/** Removes the rows of daemons that were not seen for a week: pods bring a new one at every start. */
export function forgetDaemons(edge: EdgeContext): Promise<void> {
  return edge.leases.lead("leader/forget-daemons", edge.signal, async (lease) => {
    while (!lease.signal.aborted) {
      try {
        await forgetOnce(lease);
      } catch (error) {
        edge.log.warn("daemons could not be forgotten", { reason: messageOf(error) });
      }
      await sleep(EVERY_MS, lease.signal);
    }
  });
}

function forgetOnce(lease: Lease): Promise<unknown> {
  return lease.guard(
    (sql) => sql`
      delete from api.provisioner_daemon
      where last_seen_at < now() - ${FORGOTTEN_AFTER}::interval and current_job_id is null`,
  );
}
