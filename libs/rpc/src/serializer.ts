import type { Method } from "./method.ts";

// A Definition's methods differ in what they take; in a loop over all of them that is lost, while `Client<D>` and
// `Handlers<D>` have checked every value that arrives here.

type Serialize = (value: unknown) => Buffer;

/** Writes a request of this method. */
export const requestSerializer = (method: Method): Serialize => method.requestSerialize as Serialize;

/** Writes a response of this method. */
export const responseSerializer = (method: Method): Serialize => method.responseSerialize as Serialize;
