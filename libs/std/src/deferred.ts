/** A promise with its two ends. */
export interface Deferred<T = void> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (reason: unknown) => void;
}

/** A promise to be settled by hand. An unheard rejection is not reported: whoever awaits it hears of it. */
export function deferred<T = void>(): Deferred<T> {
  const made = Promise.withResolvers<T>();
  made.promise.catch(() => undefined); // awaited later, or by nobody: not an unhandled rejection
  return made;
}
