import { createHash, randomInt, timingSafeEqual } from "node:crypto";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const ID_LENGTH = 10;
const SECRET_LENGTH = 22;

/** A token is `id-secret`; only the secret's hash is stored. */
export interface NewToken {
  readonly id: string;
  readonly token: string;
  readonly secretHash: Buffer;
}

export function newToken(): NewToken {
  const id = letters(ID_LENGTH);
  const secret = letters(SECRET_LENGTH);
  return { id, token: `${id}-${secret}`, secretHash: hashSecret(secret) };
}

/** The two halves of something that has a token's form. */
export function parseToken(text: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = /^([A-Za-z0-9]{10})-([A-Za-z0-9]{22})$/.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

export function secretFits(secret: string, hash: Buffer): boolean {
  return timingSafeEqual(hashSecret(secret), hash);
}

/** The secret has 131 random bits: a plain hash is enough, and quick. */
export function hashSecret(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

/** Random letters and digits, for secrets. */
export function letters(length: number): string {
  return Array.from({ length }, () => LETTERS[randomInt(LETTERS.length)]).join("");
}
