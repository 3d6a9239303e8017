/** The server's clock as the last beat's answer gave it: what a ticket's times are judged by. */
export class ServerClock {
  readonly #now: () => number;
  #ahead = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#ahead = Date.now() - now(); // our own clock until the server has spoken
  }

  /** The answer took half of the round trip to come here. */
  heard(serverTime: Date, roundTripMs: number): void {
    this.#ahead = serverTime.getTime() + roundTripMs / 2 - this.#now();
  }

  /** Unix milliseconds. It runs on our monotonic clock in between, so that setting the host's clock changes nothing. */
  now(): number {
    return this.#now() + this.#ahead;
  }
}
