import { messageOf, sleep } from "@berth/std";
import type { EdgeContext } from "../edge-context.ts";
import { tagSetName, type Tags } from "./tags.ts";

const EVERY_MS = 10_000;

/** Keeps the queue's gauges: what an autoscaler of daemons needs, by tag set. */
export async function measureQueue(edge: EdgeContext): Promise<void> {
  const depth = edge.metrics.gauge("berth_provisioner_queue_depth", "Jobs that wait, by tag set", ["tags"]);
  const oldest = edge.metrics.gauge(
    "berth_provisioner_queue_oldest_seconds",
    "How long the oldest waiting job has waited, by tag set",
    ["tags"],
  );
  let shown = new Set<string>([""]);
  while (!edge.signal.aborted) {
    try {
      const rows = await readDepths(edge);
      const waiting = new Map(rows.map((row) => [tagSetName(row.tags), row]));
      for (const tags of new Set([...shown, ...waiting.keys(), ""])) {
        depth.set(waiting.get(tags)?.depth ?? 0, { tags });
        oldest.set(waiting.get(tags)?.seconds ?? 0, { tags });
      }
      shown = new Set(waiting.keys());
    } catch (error) {
      edge.log.debug("the queue could not be measured", { reason: messageOf(error) });
    }
    await sleep(EVERY_MS, edge.signal);
  }
}

function readDepths(edge: EdgeContext): Promise<{ tags: Tags; depth: number; seconds: number }[]> {
  return edge.database.sql<{ tags: Tags; depth: number; seconds: number }[]>`
    select tags, count(*)::int as depth, extract(epoch from now() - min(created_at))::float8 as seconds from api.job
    where accepted_at is null and completed_at is null group by tags`;
}
