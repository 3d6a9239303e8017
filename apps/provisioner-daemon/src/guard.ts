import { spawn } from "node:child_process";
import { type ProcessMark, markProcess } from "./cache/running-process.ts";

// A line on its input says that Terraform has ended. The end of the input without one says that the daemon has.
const SCRIPT = `
read -r _ && exit 0
kill -s INT "$1" 2>/dev/null
left=$2
while [ "$left" -gt 0 ] && kill -s 0 "$1" 2>/dev/null; do sleep 1; left=$((left - 1)); done
kill -s KILL -- "-$1" 2>/dev/null
`;

/** Watches over one Terraform. */
export interface Guard {
  readonly mark: ProcessMark;
  /** Terraform has ended: there is nothing to guard any more. */
  release(): void;
}

/**
 * Starts a process that ends Terraform when this one is gone, however it went: first as an operator would, after the grace
 * with everything it started. It has a session of its own, so that no signal to ours reaches it.
 */
export async function guardTerraform(pid: number, graceMs: number): Promise<Guard> {
  const grace = String(Math.max(1, Math.ceil(graceMs / 1000)));
  const child = spawn("/bin/sh", ["-c", SCRIPT, "berth-guard", String(pid), grace], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.stdin.on("error", () => undefined); // it has ended: so has what it guarded
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(new Error("starting the guard of Terraform", { cause })));
  });
  if (child.pid === undefined) throw new Error("starting the guard of Terraform: no pid");
  child.unref();
  return { mark: await markProcess(child.pid), release: () => void child.stdin.end("ended\n") };
}
