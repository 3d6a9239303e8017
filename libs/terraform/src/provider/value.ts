import { ExtensionCodec, decode, encode } from "@msgpack/msgpack";

/** Marks what Terraform cannot know before the apply. */
class UnknownValue {
  readonly unknown = true;
}

/** The one unknown value. */
export const UNKNOWN = new UnknownValue();

/** A value as Terraform sends it: null is "not set", sets and lists are arrays, objects and maps are records. */
export type Value = null | boolean | number | string | UnknownValue | readonly Value[] | Values;

/** An object or a map. */
export interface Values {
  readonly [name: string]: Value;
}

// Terraform writes an unknown as extension 0, and as extension 12 when it can say something about it (a prefix, not null).
const EXTENSION_UNKNOWN = 0;
const EXTENSION_REFINED_UNKNOWN = 12;

const extensionCodec = new ExtensionCodec();
extensionCodec.register({
  type: EXTENSION_UNKNOWN,
  encode: (value) => (value === UNKNOWN ? new Uint8Array([0]) : null),
  decode: () => UNKNOWN,
});
extensionCodec.register({
  type: EXTENSION_REFINED_UNKNOWN,
  encode: () => null,
  decode: () => UNKNOWN,
});

/** Whether the value is an object or a map. */
export function isValues(value: Value | undefined): value is Values {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof UnknownValue)
  );
}

/** Reads a value off the wire. @throws when the bytes are no such value. */
export function decodeValue(bytes: Uint8Array): Value {
  return toValue(decode(bytes, { extensionCodec }));
}

/** Writes a value as the wire has it. */
export function encodeValue(value: Value): Buffer {
  return Buffer.from(encode(value, { extensionCodec }));
}

/** Anything that came out of msgpack or JSON, as a value. @throws when it is neither. */
export function toValue(raw: unknown): Value {
  if (raw === null || raw === undefined) return null;
  if (raw instanceof UnknownValue) return UNKNOWN;
  if (typeof raw === "string" || typeof raw === "number" || typeof raw === "boolean") return raw;
  if (Array.isArray(raw)) return raw.map(toValue);
  if (typeof raw === "object")
    return Object.fromEntries(Object.entries(raw).map(([name, each]) => [name, toValue(each)]));
  throw new Error(`reading a value from Terraform: unexpected ${typeof raw}`);
}

/** Whether two values are the same, unknowns included. */
export function sameValue(a: Value, b: Value): boolean {
  return Buffer.compare(encodeSorted(a), encodeSorted(b)) === 0;
}

function encodeSorted(value: Value): Uint8Array {
  return encode(value, { extensionCodec, sortKeys: true });
}

/** The text of a value, or "" when it is not set or not known. */
export function textOf(value: Value | undefined): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** The number in a value, or the fallback when it is not set or not known. */
export function numberOf(value: Value | undefined, fallback = 0): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && value !== "" && Number.isFinite(Number(value))
    ? Number(value)
    : fallback;
}

/** The truth in a value, or the fallback when it is not set or not known. */
export function booleanOf(value: Value | undefined, fallback = false): boolean {
  return typeof value === "boolean" ? value : fallback;
}

/** The records in a list or set of blocks. */
export function blocksOf(value: Value | undefined): readonly Values[] {
  return Array.isArray(value) ? value.filter((each: Value) => isValues(each)) : [];
}
