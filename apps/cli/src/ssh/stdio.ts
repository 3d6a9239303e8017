import { pipeline } from "node:stream/promises";
import { onSignals } from "@berth/runtime";
import { CodedError } from "@berth/std";
import type { TunnelStream } from "@berth/tunnel";

/**
 * Carries ssh's bytes between this process's stdin and stdout and the agent, until either side has ended. stdout gets
 * nothing else.
 *
 * However ssh ends, the agent is told: without a goodbye it keeps the session, and what runs in it, for a client whose network
 * is away. So a closed stdout does not end the process on the spot, and no signal does: Ctrl-C sends two, the terminal's SIGINT
 * and ssh's SIGHUP.
 */
export async function carryStdio(stream: TunnelStream): Promise<void> {
  process.stdout.removeAllListeners("error");
  const told = new AbortController();
  using _hearing = onSignals(() => {
    told.abort();
    stream.destroy();
  });
  const up = pipeline(process.stdin, stream, { end: true });
  const down = pipeline(stream, process.stdout, { end: false });
  up.catch(() => undefined); // ssh may close its end first: what comes down decides
  try {
    await down;
  } catch (cause) {
    if (told.signal.aborted) return;
    throw new CodedError("unavailable", "the connection to the workspace has ended", { cause });
  } finally {
    stream.destroy();
    process.stdin.destroy();
  }
}
