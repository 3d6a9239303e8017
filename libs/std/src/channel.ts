/** An unbounded queue between one writer and one reader, read with `for await`. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #wake: (() => void) | undefined;
  #end: { error?: unknown } | undefined;

  /** How many values wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Adds a value; ignored after the end. */
  push(value: T): void {
    if (this.#end !== undefined) return;
    this.#waiting.push(value);
    this.#wake?.();
  }

  /** Ends the reading after what waits; with an error, the reader throws it. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (true) {
      while (this.#waiting.length > 0) yield this.#waiting.shift() as T;
      if (this.#end !== undefined) {
        if ("error" in this.#end) throw this.#end.error;
        return;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }
}
