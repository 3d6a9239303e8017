type Release = () => unknown;

/**
 * Owns what was opened: everything added is released once, last in first out, all of it even if one release fails.
 * What is added after the end is released at once.
 */
export class Scope implements AsyncDisposable {
  readonly #releases: { name: string; release: Release }[] = [];
  readonly #controller = new AbortController();
  #closing: Promise<void> | undefined;

  /** Aborted when the scope begins to close. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Names of what is open, oldest first. */
  get open(): readonly string[] {
    return this.#releases.map(({ name }) => name);
  }

  /** Registers the undo of something just opened. */
  add(name: string, release: Release): void {
    if (this.#closing === undefined) this.#releases.push({ name, release });
    else void this.#run(name, release, []);
  }

  /** Adds a disposable and returns it. */
  use<T extends AsyncDisposable | Disposable>(name: string, resource: T): T {
    this.add(name, () =>
      Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : resource[Symbol.dispose](),
    );
    return resource;
  }

  /** A scope that closes with this one, or earlier by itself. */
  child(name: string): Scope {
    const child = new Scope();
    const entry = { name, release: () => child.close() };
    if (this.#closing === undefined) this.#releases.push(entry);
    else void child.close();
    child.add(`leave ${name}`, () => {
      const at = this.#releases.indexOf(entry);
      if (at >= 0) this.#releases.splice(at, 1);
    });
    return child;
  }

  /**
   * Releases everything. Called again, it answers the same promise.
   * @throws AggregateError naming each release that failed, after all have run.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#controller.abort();
    const failures: Error[] = [];
    for (let last = this.#releases.pop(); last !== undefined; last = this.#releases.pop())
      await this.#run(last.name, last.release, failures);
    if (failures.length > 0) throw new AggregateError(failures, failures.map((f) => f.message).join("; "));
  }

  async #run(name: string, release: Release, failures: Error[]): Promise<void> {
    try {
      await release();
    } catch (cause) {
      failures.push(
        new Error(`closing: ${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }),
      );
    }
  }
}
