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

test("a flood of log-ins is told to come back, and whoever waits is served", async () => {
  const cheap = "scrypt$1024$8$1$c2FsdA$";
  const outcomes = await Promise.allSettled(Array.from({ length: 60 }, () => passwordFits("x", cheap)));
  const refused = outcomes.filter(({ status }) => status === "rejected");
  expect(refused).toHaveLength(60 - 34); // two at once, 32 behind them
  expect(refused[0]).toMatchObject({ reason: { status: 429, headers: { "retry-after": "2" } } });
  expect(await passwordFits("x", cheap)).toBe(false);
});
