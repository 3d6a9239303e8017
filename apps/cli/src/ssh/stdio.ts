import { pipeline } from "node:stream/promises";
import { CodedError } from "@berth/std";
import type { TunnelStream } from "@berth/tunnel";

/**
 * Carries ssh's bytes between this process's stdin and stdout and the agent, until either side has ended. stdout gets
 * nothing else.
 */
export async function carryStdio(stream: TunnelStream): Promise<void> {
  const up = pipeline(process.stdin, stream, { end: true });
  up.catch(() => undefined); // ssh may close its end first: what comes down decides
  try {
    await pipeline(stream, process.stdout, { end: false });
  } catch (cause) {
    throw new CodedError("unavailable", "the connection to the workspace has ended", { cause });
  } finally {
    stream.destroy();
    process.stdin.destroy();
  }
}
