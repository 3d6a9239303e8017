import { kill } from "node:process";
import { sleep } from "@berth/std";

/** How long processes may take to end by themselves. */
const GRACE_MS = 5_000;
const LOOK_EVERY_MS = 25;

/**
 * The process groups that this agent has started and that still run. Each is led by the process we started, so that a signal
 * reaches what it has started in turn.
 */
export class ProcessGroups {
  readonly #leaders = new Set<number>();

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
    const groups = this.running;
    for (const pid of groups) signalGroup(pid, "SIGHUP");
    for (const pid of groups) signalGroup(pid, "SIGTERM");
    const until = performance.now() + graceMs;
    while (performance.now() < until && groups.some(groupLives)) await sleep(LOOK_EVERY_MS);
    for (const pid of groups) signalGroup(pid, "SIGKILL");
  }
}

/** Sends a signal to a whole group; one that has ended hears nothing. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    kill(-leader, signal);
    return true;
  } catch {
    return false; // ESRCH: nobody is left; EPERM: it became another user's
  }
}

const groupLives = (leader: number): boolean => signalGroup(leader, 0);
