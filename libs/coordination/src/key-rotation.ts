/** Periods of a signing key's life, in milliseconds. */
export interface RotationPeriods {
  /** How long a key signs. */
  readonly signsMs: number;
  /** How long before its first use the next is published. */
  readonly publishedMs: number;
  /** How long its signatures are accepted after it last signed: longer than any ticket lives. */
  readonly keptMs: number;
}

const HOUR = 3_600_000;

/** A month of signing; published a day ahead; kept two days. */
export const PERIODS: RotationPeriods = {
  signsMs: 30 * 24 * HOUR,
  publishedMs: 24 * HOUR,
  keptMs: 48 * HOUR,
};

/** When a key begins to sign, and when it is forgotten. */
export interface KeyTimes {
  readonly startsAt: Date;
  readonly expiresAt: Date;
}

/** The key that signs now: the last that has started. */
export function currentOf<K extends KeyTimes>(keys: readonly K[], now: number): K | undefined {
  return keys
    .filter((key) => key.startsAt.getTime() <= now)
    .reduce<K | undefined>(
      (last, key) => (last === undefined || key.startsAt > last.startsAt ? key : last),
      undefined,
    );
}

/** The times of the key that must now be made, if one must. */
export function nextKey(keys: readonly KeyTimes[], now: number, periods = PERIODS): KeyTimes | undefined {
  const current = currentOf(keys, now);
  if (current === undefined) return timesFrom(now, periods); // the first: nobody can have waited for it
  if (keys.some((key) => key.startsAt.getTime() > now)) return undefined;
  const due = current.startsAt.getTime() + periods.signsMs;
  if (due - periods.publishedMs > now) return undefined;
  return timesFrom(Math.max(due, now + periods.publishedMs), periods);
}

function timesFrom(startsAt: number, { signsMs, publishedMs, keptMs }: RotationPeriods): KeyTimes {
  // its successor may be late by the time it has to be published
  return { startsAt: new Date(startsAt), expiresAt: new Date(startsAt + signsMs + publishedMs + keptMs) };
}
