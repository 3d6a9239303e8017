/** Hellos that are remembered; when more come within two minutes, new ones are refused rather than old ones forgotten. */
const MAX_REMEMBERED = 10_000;

interface Seen {
  readonly answer: Buffer;
  /** Server's clock: after it the hello's ticket is refused anyway. */
  readonly until: number;
}

/**
 * Remembers every hello that was answered for as long as its ticket could begin a session, so that a replay makes no second
 * one: it gets the first answer again, which is of use to nobody but whoever holds the key.
 */
export class SeenHellos {
  readonly #seen = new Map<string, Seen>();

  get isFull(): boolean {
    return this.#seen.size >= MAX_REMEMBERED;
  }

  answerTo(ephemeral: string): Buffer | undefined {
    return this.#seen.get(ephemeral)?.answer;
  }

  remember(ephemeral: string, answer: Buffer, until: number): void {
    this.#seen.set(ephemeral, { answer, until });
  }

  /** Forgets what a ticket's own time now guards. */
  forget(serverNow: number): void {
    for (const [ephemeral, { until }] of this.#seen) if (until <= serverNow) this.#seen.delete(ephemeral);
  }
}
