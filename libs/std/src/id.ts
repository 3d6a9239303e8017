import { randomUUID } from "node:crypto";

declare const kind: unique symbol;

/** A bare UUID, lower case, that the compiler tells from ids of another kind. */
export type Id<Kind extends string> = string & { readonly [kind]: Kind };

/** A fresh random id: `newId<"workspace">()`. */
export function newId<Kind extends string>(): Id<Kind> {
  return randomUUID() as Id<Kind>;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text is a UUID, in either case. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
