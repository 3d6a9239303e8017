import { atMost } from "@berth/std";

/** Counts what is open, so that a drain can wait for it. */
export class OpenCalls {
  #open = 0;
  #idle: (() => void)[] = [];

  get size(): number {
    return this.#open;
  }

  /** Counts one; the answer, called once, counts it off. */
  enter(): () => void {
    this.#open += 1;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#open -= 1;
      if (this.#open === 0) this.#idle.splice(0).forEach((wake) => wake());
    };
  }

  /** Resolves when nothing is open, or after `ms`; says which. */
  async idleWithin(ms: number): Promise<boolean> {
    if (this.#open === 0) return true;
    return atMost(ms, new Promise<void>((resolve) => this.#idle.push(resolve)));
  }
}
