import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from "node:crypto";
import { Turnstile, codeOf } from "@berth/std";
import { Problem } from "../http/problem.ts";

const PARAMETERS = { N: 2 ** 15, r: 8, p: 1 } as const;
const KEY_BYTES = 32;
/** scrypt asks for 128 * N * r bytes, and a little. */
const MAX_MEMORY = 64 * 1024 * 1024;

/** `scrypt$N$r$p$salt$key`: the parameters stand beside the key, so that they may rise later. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, PARAMETERS);
  const { N, r, p } = PARAMETERS;
  return ["scrypt", N, r, p, salt.toString("base64url"), key.toString("base64url")].join("$");
}

/** Whether the password is the one that was hashed. Without a hash it takes as long and says no: nobody learns who exists. */
export async function passwordFits(password: string, hash: string | null): Promise<boolean> {
  const [, n, r, p, salt, key] = (hash ?? NOBODY).split("$");
  const expected = Buffer.from(key ?? "", "base64url");
  const given = await derive(password, Buffer.from(salt ?? "", "base64url"), {
    N: Number(n),
    r: Number(r),
    p: Number(p),
  });
  return given.length === expected.length && timingSafeEqual(given, expected) && hash !== null;
}

const NOBODY = `scrypt$${PARAMETERS.N}$${PARAMETERS.r}$${PARAMETERS.p}$AAAAAAAAAAAAAAAAAAAAAA$${"A".repeat(43)}`;

/**
 * Each takes 32 MiB and one of the four threads that files and names need too. Some seconds of work may wait: who comes later
 * is told so, instead of waiting behind a flood.
 */
const turnstile = new Turnstile({ atOnce: 2, mayWait: 32 });

/** @throws Problem 429 when too many wait */
async function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  try {
    return await turnstile.pass(() => derived(password, salt, options));
  } catch (error) {
    if (codeOf(error) !== "resource_exhausted") throw error;
    throw new Problem(429, "Too many people log in at once.", {
      detail: "Try again in a moment.",
      headers: { "retry-after": "2" },
    });
  }
}

function derived(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFC"), salt, KEY_BYTES, { ...options, maxmem: MAX_MEMORY }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
