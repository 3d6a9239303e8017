import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** A process that a later incarnation must be able to tell from another that got its pid. */
export interface ProcessMark {
  readonly pid: number;
  /** When it began, as the system counts; "" when the system does not tell. */
  readonly startedAt: string;
  /** The system's own start: pids of before mean nothing. */
  readonly boot: string;
}

/** Marks a process that runs. */
export async function markProcess(pid: number): Promise<ProcessMark> {
  return { pid, startedAt: (await readStart(pid)) ?? "", boot: await readBoot() };
}

/** Whether that very process still runs; a dead one that nobody has reaped does not. */
export async function isRunning(mark: ProcessMark): Promise<boolean> {
  if (mark.boot !== (await readBoot())) return false;
  const startedAt = await readStart(mark.pid);
  return startedAt !== undefined && startedAt === mark.startedAt;
}

/** Whether nobody has that pid, since the same start of the system: a group by that name is what the process left behind. */
export async function isGone({ pid, boot }: ProcessMark): Promise<boolean> {
  return boot === (await readBoot()) && (await readStart(pid)) === undefined;
}

/** Start of a process in the system's own words; undefined when it does not run. */
async function readStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // the name stands in parentheses and may hold any character; state and start time are fields 3 and 22
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return process.platform === "linux" ? undefined : readStartByPs(pid);
  }
}

async function readStartByPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)]);
    return stdout.trim() || undefined;
  } catch {
    return undefined; // ps fails when there is no such process
  }
}

async function readBoot(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  } catch {
    return ""; // the start time has the day in it on systems without
  }
}
