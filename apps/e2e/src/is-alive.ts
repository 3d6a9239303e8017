import { readFileSync } from "node:fs";

/** Whether a process runs. One that has ended and waits for its parent to hear of it does not. */
export function isAlive(pid: number): boolean {
  try {
    const [, state] = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return state !== "Z" && state !== "X";
  } catch {
    return false; // there is no such process
  }
}
