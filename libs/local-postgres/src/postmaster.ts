import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "@berth/std";

/** What a running server writes into its data folder (miscadmin.h: LOCK_FILE_LINE_*). */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly ready: boolean;
}

/** The server that holds the data folder, or undefined: a pid file left by a dead one counts as none. */
export async function findPostmaster(dataFolder: string): Promise<Postmaster | undefined> {
  const lines = (await readOrEmpty(join(dataFolder, "postmaster.pid"))).split("\n");
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !(await isRunning(pid)) || !(await worksIn(pid, dataFolder)))
    return undefined;
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === "ready" };
}

/** Whether a process of that id runs; one that ended and whose parent has not noticed does not. */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EPERM")) return false;
  }
  const text = await readOrEmpty(`/proc/${pid}/stat`);
  return text[text.lastIndexOf(")") + 2] !== "Z";
}

/** When the process started, in the kernel's ticks: with the pid, it names one process for good. */
export async function startOf(pid: number): Promise<string> {
  const text = await readOrEmpty(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

/** Ends the server: sessions at once (SIGINT, "fast"), and without a checkpoint when it does not hear. */
export async function stopPostmaster(pid: number): Promise<void> {
  for (const [signal, ms] of [
    ["SIGINT", 10_000],
    ["SIGQUIT", 5_000],
    ["SIGKILL", 5_000],
  ] as const) {
    if (!(await isRunning(pid))) return;
    process.kill(pid, signal);
    const giveUpAt = performance.now() + ms;
    while (performance.now() < giveUpAt) {
      if (!(await isRunning(pid))) return;
      await sleep(10);
    }
  }
  throw new Error(`stopping Postgres: process ${pid} does not end`);
}

/** A pid may have been given to somebody else since: Postgres works in its data folder. */
async function worksIn(pid: number, dataFolder: string): Promise<boolean> {
  if (process.platform !== "linux") return true;
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === dataFolder;
  } catch {
    return (await readOrEmpty(`/proc/${pid}/cmdline`)).includes(dataFolder);
  }
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return ""; // absent is an answer
  }
}
