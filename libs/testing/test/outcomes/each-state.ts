import { describe, expect, test } from "vitest";

test("passes", () => expect(1).toBe(1));
test.skip("is skipped", () => undefined);
describe("in a suite", () => test("fails", () => expect({ a: 1 }).toEqual({ a: 2 })));
