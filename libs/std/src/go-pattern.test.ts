import fc from "fast-check";
import { expect, test } from "vitest";
import { goPattern } from "./go-pattern.ts";

test.for<[pattern: string, fits: string, fitsNot: string]>([
  ["^[a-z0-9-]+$", "a-1", "A"],
  ["\\A[[:alpha:]]+\\z", "abc", "abc\n"],
  ["^[[:digit:]_.]+$", "1_.", "a"],
  ["(?i)^abc$", "ABC", "abd"],
  ["^(?i:a)b$", "Ab", "AB"],
  ["(?s)^a.b$", "a\nb", "ab"],
  ["^(?P<year>\\d{4})-(?P<month>\\d\\d)$", "2024-05", "24-05"],
  ["^\\pL+$", "äß", "1"],
  ["^\\p{Greek}+$|^\\p{L}$", "λ", "12"],
  ["^\\Qa.b\\E$", "a.b", "axb"],
  ["^[]a]+$", "]a", "b"],
  ["^[^]a]+$", "bc", "]"],
  ["^[a&&b]+$", "&a", "c"],
  ["^[(){}/|~-]+$", "(/)-", "a"],
  ["^[+*?.,:;<=>@!#$%`^_]+$", "!$^", "a"],
  ["^[\\w.%+-]+@[\\w.-]+\\.[a-z]{2,}$", "a+b@example.com", "example.com"],
  ["^https?://[^/]+/?$", "https://example.com/", "ftp://x"],
  ["^\\/home\\/\\-x\\_\\@$", "/home/-x_@", "/home"],
  ["^[\\[\\]]$", "]", "a"],
  ["^[a[b]$", "[", "c"],
  ["a{2}", "aa", "a"],
])("%s is read as Go reads it", ([pattern, fits, fitsNot]) => {
  const read = goPattern(pattern);
  expect([read?.test(fits), read?.test(fitsNot)]).toEqual([true, false]);
});

test("what is no expression there, or none here, is none", () => {
  for (const none of ["(", "[a", "a**", "(?U)a", "*", "[[:^alpha:]]"])
    expect(goPattern(none)).toBeUndefined();
});

test("a text that is quoted fits itself, and nothing that is read fails", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      fc.pre(!text.includes("\\"));
      return goPattern(`\\A\\Q${text}\\E\\z`)?.test(text) === true;
    }),
  );
  const pieces = fc.constantFrom(
    "[",
    "]",
    "^",
    "\\",
    "(?P<a>",
    "[:alpha:]",
    "\\Q",
    "\\E",
    "a",
    "-",
    "(",
    ")",
    "{",
    "&&",
  );
  fc.assert(fc.property(fc.array(pieces), (source) => void goPattern(source.join(""))));
});
