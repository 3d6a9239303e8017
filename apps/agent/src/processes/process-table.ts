import { readdir, readFile } from "node:fs/promises";

/** One process of this host, as /proc/<pid>/stat has it. */
export interface ListedProcess {
  readonly pid: number;
  readonly group: number;
  /** It has ended, and whoever started it has not looked yet. */
  readonly ended: boolean;
}

/** Every process of this host; none where there is no /proc. */
export async function listProcesses(): Promise<ListedProcess[]> {
  const listed = await Promise.all((await pids()).map(readProcess));
  return listed.filter((one) => one !== undefined);
}

/** The processes that were started with `NAME=value` in their environment, as far as we may look. */
export async function processesWith(variable: string): Promise<ListedProcess[]> {
  const marked = await Promise.all(
    (await listProcesses()).map(async (one) =>
      (await environmentOf(one.pid)).includes(variable) ? one : undefined,
    ),
  );
  return marked.filter((one) => one !== undefined);
}

async function pids(): Promise<number[]> {
  try {
    return (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    return []; // another system
  }
}

async function readProcess(pid: number): Promise<ListedProcess | undefined> {
  const stat = await readOrNothing(`/proc/${pid}/stat`);
  // the name between the parentheses may hold anything: the fields are counted from behind it
  const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === undefined || group === undefined) return undefined;
  return { pid, group: Number(group), ended: state === "Z" || state === "X" };
}

const environmentOf = async (pid: number): Promise<readonly string[]> =>
  (await readOrNothing(`/proc/${pid}/environ`)).split("\0");

async function readOrNothing(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return ""; // it has ended meanwhile, or is another user's
  }
}
