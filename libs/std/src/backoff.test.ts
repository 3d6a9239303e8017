import fc from "fast-check";
import { expect, test } from "vitest";
import { Backoff } from "./backoff.ts";

test("delays double up to the greatest one and are jittered by half", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 12, maxLength: 12 }),
      (draws) => {
        const left = [...draws];
        const backoff = new Backoff({ firstMs: 50, maxMs: 1000, random: () => left.shift() ?? 0 });
        draws.forEach((_, attempt) => {
          const step = Math.min(1000, 50 * 2 ** attempt);
          const delay = backoff.nextMs();
          expect(delay).toBeGreaterThanOrEqual(step / 2);
          expect(delay).toBeLessThanOrEqual(step);
        });
      },
    ),
  );
});

test("only a connection that has held starts the delays anew", () => {
  const clock = { now: 0 };
  const backoff = new Backoff({ firstMs: 100, heldMs: 5000, random: () => 0, now: () => clock.now });
  backoff.nextMs();
  backoff.nextMs();
  backoff.connected();
  clock.now += 4999;
  expect(backoff.nextMs()).toBe(200);
  backoff.connected();
  clock.now += 5000;
  expect(backoff.nextMs()).toBe(50);
});
