import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { quoteWord } from "./quote.ts";

const unescape = (text: string) => text.replaceAll("%%", "%");

test.each([
  ["/usr/bin/berth", "/usr/bin/berth"],
  ["/home/a b/berth", "'/home/a b/berth'"],
  ["/home/o'neil/berth", `"/home/o'neil/berth"`],
  ["/tmp/100%/$HOME/`x`", "'/tmp/100%%/$HOME/`x`'"],
])("%s is written as %s", (word, written) => {
  expect(quoteWord(word)).toBe(written);
});

test("what means different things to a shell and to ssh is refused", () => {
  for (const word of ["a\\b", `it's "$x"`, "a\nb"])
    expect(() => quoteWord(word)).toThrow("cannot be written");
});

test("a shell reads back the word that was written", () => {
  const word = fc
    .stringMatching(/^[ -[\]-~é]{1,20}$/)
    .filter((text) => !(text.includes("'") && /["$`]/.test(text)));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
      const line = `printf '%s\\0' ${words.map(quoteWord).map(unescape).join(" ")}`;
      expect(execFileSync("sh", ["-c", line]).toString().split("\0").slice(0, -1)).toEqual(words);
    }),
    { numRuns: 50 },
  );
});
