import fc from "fast-check";
import { expect, test } from "vitest";
import { Channel } from "./channel.ts";

test("what is pushed is read in order, however reader and writer take turns", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.integer(), fc.boolean())), async (steps) => {
      const channel = new Channel<number>();
      const read = Array.fromAsync(channel);
      for (const [value, pause] of steps) {
        channel.push(value);
        if (pause) await Promise.resolve();
      }
      channel.end();
      expect(await read).toEqual(steps.map(([value]) => value));
    }),
  );
});

test("an error ends the reading after what waits", async () => {
  const channel = new Channel<string>();
  channel.push("last");
  channel.end(new Error("gone"));
  channel.push("too late");
  const read: string[] = [];
  await expect(async () => {
    for await (const value of channel) read.push(value);
  }).rejects.toThrow("gone");
  expect(read).toEqual(["last"]);
});
