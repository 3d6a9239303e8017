import { expect, test } from "vitest";
import { hashPassword, passwordFits } from "./password.ts";

test("a password fits its own hash and no other, and two hashes of it differ", async () => {
  const [one, two] = await Promise.all([hashPassword("sésame"), hashPassword("sésame")]);
  expect(one).not.toBe(two);
  expect(await passwordFits("sésame", one)).toBe(true);
  expect(await passwordFits("se\u0301same", one)).toBe(true); // the same letters, typed on another machine
  expect(await passwordFits("sesame", one)).toBe(false);
  expect(await passwordFits("", null)).toBe(false);
});

test("a hash made with other parameters is still understood", async () => {
  const cheap = "scrypt$1024$8$1$c2FsdA$";
  expect(await passwordFits("x", cheap)).toBe(false);
});
