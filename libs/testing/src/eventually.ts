import { setTimeout as delay } from "node:timers/promises";

/** How long and how often to try. */
export interface Patience {
  readonly withinMs?: number;
  readonly everyMs?: number;
}

/** Tries the assertion until it holds, and answers what it answered. @throws its last error when time is over. */
export async function eventually<T>(assertion: () => T | Promise<T>, patience: Patience = {}): Promise<T> {
  const { withinMs = 10_000, everyMs = 20 } = patience;
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() >= giveUpAt) throw error;
    }
    await delay(everyMs);
  }
}
