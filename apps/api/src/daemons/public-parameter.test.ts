import { expect, test } from "vitest";
import { plainText } from "./public-parameter.ts";

test("a description loses its marks and keeps its words", () => {
  expect(plainText("## Size\n**How** much `disk`, see [the docs](https://x.example)")).toBe(
    "Size\nHow much disk, see the docs",
  );
});
