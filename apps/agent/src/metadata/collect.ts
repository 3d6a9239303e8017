import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { messageOf } from "@berth/std";
import { type agent, msFromDuration } from "@berth/contract";
import { exitCodeOf, exitOf } from "../processes/process-exit.ts";
import { signalGroup } from "../processes/process-groups.ts";
import type { Workplace } from "../processes/workplace.ts";

/** More of a value is cut off: it is a figure to be shown in a list. */
const MAX_BYTES = 2048;

/** Runs the script of one item and answers what it said. It never throws: what goes wrong is the item's error. */
export async function collect(
  item: agent.AgentMetadata,
  workplace: Workplace,
): Promise<agent.MetadataResult> {
  const outcome = await measure(item, workplace).catch((error: unknown) => ({
    value: "",
    error: messageOf(error),
  }));
  return { key: item.key, ...outcome, collectedAt: new Date() };
}

async function measure(
  item: agent.AgentMetadata,
  workplace: Workplace,
): Promise<{ value: string; error: string }> {
  const child = spawn(workplace.shell, ["-c", item.script], {
    cwd: workplace.folder(),
    env: workplace.environment(),
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid } = child;
  const limitMs = timeoutOf(item);
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort();
    if (pid !== undefined) signalGroup(pid, "SIGKILL");
  }, limitMs);
  if (pid !== undefined) workplace.processes.started(pid);
  try {
    const [[code, signal], value, complaint] = await Promise.all([
      once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>,
      head(child.stdout),
      head(child.stderr),
    ]);
    if (limit.signal.aborted) return { value, error: `no result within ${limitMs} ms` };
    const exitCode = exitCodeOf(exitOf(code, signal));
    return { value, error: exitCode === 0 ? "" : complaint || `exit code ${exitCode}` };
  } finally {
    clearTimeout(timer);
    if (pid !== undefined) workplace.processes.ended(pid);
  }
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** An item without a timeout may take until its next turn. */
function timeoutOf({ timeout, interval }: agent.AgentMetadata): number {
  const ms = [timeout, interval].map((given) => (given === undefined ? 0 : msFromDuration(given)));
  return ms.find((given) => given > 0) ?? DEFAULT_TIMEOUT_MS;
}

async function head(output: Readable): Promise<string> {
  let taken = Buffer.alloc(0);
  for await (const chunk of output as AsyncIterable<Buffer>)
    if (taken.length < MAX_BYTES) taken = Buffer.concat([taken, chunk]);
  return taken.subarray(0, MAX_BYTES).toString("utf8").trim();
}
