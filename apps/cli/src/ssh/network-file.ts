import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "@berth/std";
import type { AgentLink } from "./agent-link.ts";

/**
 * Writes `<folder>/<pid of ssh>.json` while the session lasts, as public editors read it. The parent's pid names
 * it, which is why the program must be the direct child of ssh.
 */
export async function keepNetworkFile(
  link: AgentLink,
  folder: string,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  const file = join(folder, `${process.ppid}.json`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  let [sent, received] = [0, 0];
  while (!signal.aborted) {
    const { roundTripMs, sentBytes, receivedBytes } = link.session.measures;
    const perSecond = (bytes: number) => Math.round((bytes * 1000) / everyMs);
    await writeFile(
      `${file}.new`,
      JSON.stringify({
        p2p: false,
        latency: roundTripMs,
        preferred_derp: link.regionName,
        derp_latency: { [link.regionName]: roundTripMs },
        upload_bytes_sec: perSecond(sentBytes - sent),
        download_bytes_sec: perSecond(receivedBytes - received),
        using_coder_connect: false,
      }),
      { mode: 0o600 },
    );
    await rename(`${file}.new`, file);
    [sent, received] = [sentBytes, receivedBytes];
    await sleep(everyMs, signal);
  }
  await rm(file, { force: true });
}
