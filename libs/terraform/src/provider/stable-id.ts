import { createHash } from "node:crypto";

/** A UUID (version 8) that is the same for the same words: a replan then shows no difference. */
export function stableId(...words: readonly string[]): string {
  const hex = createHash("sha256").update(words.join("\0")).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
