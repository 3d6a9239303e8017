import { sleep } from "@berth/std";
import type { Logger } from "@berth/telemetry";
import type { DrainReason } from "./service.ts";

type Drain = (reason: DrainReason) => Promise<void>;

/** What services want done between the signal and the closing of sockets. */
export class Drains {
  readonly #drains: { readonly name: string; readonly drain: Drain }[] = [];

  add(name: string, drain: Drain): void {
    this.#drains.push({ name, drain });
  }

  /** Runs all side by side until done or `ms` are over; what fails or does not end is logged, and stops nothing. */
  async run(reason: DrainReason, ms: number, log: Logger): Promise<void> {
    const waiting = new Set(this.#drains.map(({ name }) => name));
    const over = new AbortController();
    const all = this.#drains.map(async ({ name, drain }) => {
      try {
        await drain(reason);
      } catch (error) {
        log.error("draining failed", { drain: name, error });
      }
      waiting.delete(name);
    });
    const limit = ms === Infinity ? new Promise<void>(() => undefined) : sleep(ms, over.signal);
    await Promise.race([Promise.all(all), limit]);
    over.abort();
    if (waiting.size > 0) log.warn("draining took too long", { still: [...waiting], limitMs: ms });
  }
}
