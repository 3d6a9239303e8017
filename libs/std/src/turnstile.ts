import { CodedError } from "./coded-error.ts";
import { type Deferred, deferred } from "./deferred.ts";

/** Lets a few work at once. The others wait their turn, and there is a bound to how many. */
export class Turnstile {
  readonly #mayWait: number;
  readonly #waiting: Deferred[] = [];
  #free: number;

  constructor({ atOnce, mayWait }: { readonly atOnce: number; readonly mayWait: number }) {
    this.#free = atOnce;
    this.#mayWait = mayWait;
  }

  /** @throws CodedError `resource_exhausted` when too many wait */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn();
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next.resolve(); // takes this one's place
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#mayWait)
      throw new CodedError("resource_exhausted", `${this.#mayWait} wait already`);
    const mine = deferred();
    this.#waiting.push(mine);
    return mine.promise;
  }
}
