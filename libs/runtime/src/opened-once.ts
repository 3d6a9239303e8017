import { Scope } from "@berth/std";

/** What services of one process open together: the first opens it, all get the same. */
export class OpenedOnce {
  readonly #opened = new Map<string, Promise<unknown>>();
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  get<T>(key: string, open: (scope: Scope) => Promise<T>): Promise<T> {
    const known = this.#opened.get(key);
    if (known !== undefined) return known as Promise<T>; // the key stands for the type: whoever shares agrees on both
    const scope = this.#scope.child(key);
    const opening = open(scope).catch(async (error: unknown) => {
      this.#opened.delete(key); // the next to ask may fare better
      await scope.close();
      throw error;
    });
    this.#opened.set(key, opening);
    return opening;
  }
}
