import { kill } from "node:process";
import { sleep } from "@berth/std";
import { type ListedProcess, listProcesses, processesWith } from "./process-table.ts";

/** How long processes may take to end by themselves. */
const GRACE_MS = 5_000;
const LOOK_EVERY_MS = 50;

/**
 * The process groups that this agent has started and that still run. Each is led by the process we started, so that a signal
 * reaches what it has started in turn. What leaves its group (a daemon) is found by a mark in its environment.
 */
export class ProcessGroups {
  readonly #leaders = new Set<number>();
  readonly #mark: string | undefined;

  /** `mark` is a variable, `NAME=value`, that everything started for this agent has in its environment. */
  constructor(mark?: string) {
    this.#mark = mark;
  }

  /** To be called with every process that was started as the leader of a group. */
  started(pid: number): void {
    this.#leaders.add(pid);
  }

  /** To be called when the leader has ended. */
  ended(pid: number): void {
    this.#leaders.delete(pid);
  }

  get running(): readonly number[] {
    return [...this.#leaders];
  }

  /** Ends all that still runs: first as a closed terminal would, then by force. */
  async endAll(graceMs = GRACE_MS): Promise<void> {
    const groups = new Set(this.#leaders);
    for (const leader of groups) signalGroup(leader, "SIGHUP");
    const told = new Set<number>();
    const until = performance.now() + graceMs;
    for (;;) {
      const left = await this.#left(groups);
      if (left.length === 0) return;
      const late = performance.now() > until;
      for (const { pid } of left) if (late || !told.has(pid)) signal(pid, late ? "SIGKILL" : "SIGTERM");
      for (const { pid } of left) told.add(pid);
      if (performance.now() > until + graceMs) return; // what even SIGKILL does not end is the kernel's
      await sleep(LOOK_EVERY_MS);
    }
  }

  async #left(groups: ReadonlySet<number>): Promise<ListedProcess[]> {
    const listed = await listProcesses();
    const marked = this.#mark === undefined ? [] : await processesWith(this.#mark);
    return [...listed.filter(({ group }) => groups.has(group)), ...marked].filter(({ ended }) => !ended);
  }
}

/** Sends a signal to a whole group; one that has ended hears nothing. */
export function signalGroup(leader: number, name: NodeJS.Signals): boolean {
  return signal(-leader, name);
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    kill(pid, name);
    return true;
  } catch {
    return false; // ESRCH: it has ended; EPERM: it became another user's
  }
}
