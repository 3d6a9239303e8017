import { createHash } from "node:crypto";

const SEED = process.env["BERTH_CHAOS_SEED"] ?? "1";

/** A number between two that the seed of this run decides for a name: in whatever order tests run, it is the same again. */
export function chance(name: string, from: number, to: number): number {
  const drawn = createHash("sha256").update(`${SEED} ${name}`).digest().readUInt32BE(0) / 2 ** 32;
  return from + drawn * (to - from);
}
