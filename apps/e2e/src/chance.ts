import { createHash } from "node:crypto";

const SEED = process.env["BERTH_CHAOS_SEED"] ?? "1";

/** A number between two that the seed of this run decides for a name: in whatever order tests run, it is the same again. */
export function chance(name: string, from: number, to: number): number {
  const drawn = createHash("sha256").update(`${SEED} ${name}`).digest().readUInt32BE(0) / 2 ** 32;
  return from + drawn * (to - from);
}

/** One of these, decided in the same way. @throws when there is none */
export function oneOf<T>(name: string, choices: readonly T[]): T {
  const chosen = choices[Math.floor(chance(name, 0, choices.length))];
  if (chosen === undefined) throw new Error(`${name}: there is nothing to choose from`);
  return chosen;
}
