import type { WorkspaceAgentMetadata } from "@berth/http-api";
import { messageOf, sleep } from "@berth/std";
import { channels } from "../channels.ts";
import type { EdgeContext } from "../edge-context.ts";

/** How often a watch that has nothing to say says so. */
const PING_MS = 15_000;
const WORKSPACE_TICK_MS = 5_000;
const METADATA_TICK_MS = 5_000;
const METADATA_PACE_MS = 1_000;

/** One event of a watch, as both its WebSocket and its event stream carry it. */
export type WatchFrame =
  { readonly type: "ping"; readonly data: null } | { readonly type: "data"; readonly data: unknown };

/**
 * The workspace at once and then at every change of its builds and agents; changes that nothing announces, such as an agent that
 * fell silent, are found at the tick. Ends when the workspace is gone altogether.
 */
export async function* watchWorkspace(
  edge: EdgeContext,
  workspaceId: string,
  read: () => Promise<unknown>,
  signal: AbortSignal,
): AsyncGenerator<WatchFrame> {
  yield { type: "ping", data: null };
  let shown = "";
  let saidAt = performance.now();
  while (!signal.aborted) {
    const hint = edge.hints.next(channels.workspaceChanged, {
      id: workspaceId,
      tickMs: WORKSPACE_TICK_MS,
      signal,
    });
    const frame = await nextFrame(edge, read, shown);
    if (frame === "gone") return;
    if (frame !== undefined) {
      shown = JSON.stringify(frame.data);
      yield frame;
      saidAt = performance.now();
    } else if (performance.now() - saidAt >= PING_MS) {
      yield { type: "ping", data: null };
      saidAt = performance.now();
    }
    await hint;
  }
}

async function nextFrame(
  edge: EdgeContext,
  read: () => Promise<unknown>,
  shown: string,
): Promise<WatchFrame | "gone" | undefined> {
  try {
    const data = await read();
    if (data === undefined) return "gone";
    return JSON.stringify(data) === shown ? undefined : { type: "data", data };
  } catch (error) {
    edge.log.debug("a watched object could not be read", { reason: messageOf(error) });
    return undefined;
  }
}

interface MetadataRow {
  key: string;
  display_name: string;
  script: string;
  interval: number;
  timeout: number;
  value: string;
  error: string;
  collected_at: Date | null;
  age: number | null;
}

/** An agent's metadata: data frames with an array and nothing else, at once, at a change, and at least every 5 s. */
export async function* watchMetadata(
  edge: EdgeContext,
  agentId: string,
  signal: AbortSignal,
): AsyncGenerator<WatchFrame> {
  while (!signal.aborted) {
    const pace = sleep(METADATA_PACE_MS, signal);
    const hint = edge.hints.next(channels.agentMeasured, { id: agentId, tickMs: METADATA_TICK_MS, signal });
    const frame = await nextFrame(edge, () => readMetadata(edge, agentId), "");
    if (frame === "gone") return;
    if (frame !== undefined) yield frame;
    await hint;
    await pace;
  }
}

async function readMetadata(edge: EdgeContext, agentId: string): Promise<WorkspaceAgentMetadata[]> {
  const rows = await edge.database.sql<MetadataRow[]>`
    select key, display_name, script, interval_seconds::float8 as interval, timeout_seconds::float8 as timeout, value, error,
      collected_at, floor(extract(epoch from now() - collected_at))::float8 as age
    from api.workspace_agent_metadata where agent_id = ${agentId} order by position`;
  return rows.map((row) => ({
    result: {
      collected_at: (row.collected_at ?? new Date(0)).toISOString(),
      age: row.age ?? 0,
      value: row.value,
      error: row.error,
    },
    description: {
      display_name: row.display_name,
      key: row.key,
      script: row.script,
      interval: row.interval,
      timeout: row.timeout,
    },
  }));
}
