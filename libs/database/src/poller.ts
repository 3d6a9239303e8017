import { messageOf, Scope, sleep, withDeadline } from "@berth/std";
import type { Logger } from "@berth/telemetry";
import type { Notification, Sql } from "./database.ts";
import type { Probes } from "./probes.ts";

const POLL_MS = 1_000;
const DEADLINE_MS = 2_500;

/** Behind a pooler without a direct URL: everybody re-reads each second, and the probe goes through the pool. */
export class Poller implements AsyncDisposable {
  readonly #hearers = new Set<(hint: Notification) => void>();
  readonly #scope = new Scope();
  readonly #running: Promise<void>;

  constructor(sql: Sql, probes: Probes, log: Logger) {
    this.#running = this.#poll(sql, probes, log);
  }

  /** Tells `dropped` each second, whatever the channel. */
  listen(_channel: string, hear: (hint: Notification) => void): Promise<Disposable> {
    const heard = (hint: Notification) => hear(hint);
    this.#hearers.add(heard);
    return Promise.resolve({ [Symbol.dispose]: () => void this.#hearers.delete(heard) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.close();
    await this.#running;
  }

  async #poll(sql: Sql, probes: Probes, log: Logger): Promise<void> {
    while (!this.#scope.signal.aborted) {
      const startedAt = performance.now();
      try {
        await withDeadline("a probe of Postgres", DEADLINE_MS, sql`select 1`.execute());
        probes.answered(performance.now() - startedAt);
        for (const hear of this.#hearers) hear({ kind: "dropped" });
      } catch (error) {
        if (probes.reachable) log.warn("Postgres does not answer", { reason: messageOf(error) });
        probes.failed();
      }
      await sleep(POLL_MS, this.#scope.signal);
    }
  }
}
