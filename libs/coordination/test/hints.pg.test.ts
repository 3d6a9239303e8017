import { expect, onTestFinished, test } from "vitest";
import { PostgresHints } from "@berth/coordination";
import { expectNoLeaks, recordedLog, testDatabase } from "@berth/testing";

expectNoLeaks();
const NEVER = 60_000;

async function hints() {
  const { database, ...made } = await testDatabase();
  const opened = new PostgresHints(database, recordedLog());
  onTestFinished(async () => {
    opened[Symbol.dispose]();
    await made[Symbol.asyncDispose]();
  });
  await opened.next("news", { tickMs: NEVER }); // the first is woken once the channel is listened to
  return { database, hints: opened };
}

test("a hint wakes those who wait for its id, and those who wait for any", async () => {
  const { database, hints: one } = await hints();
  const woken: string[] = [];
  const mine = one.next("news", { id: "a", tickMs: NEVER }).then(() => woken.push("a"));
  const any = one.next("news", { tickMs: NEVER }).then(() => woken.push("any"));
  void one.next("news", { id: "b", tickMs: NEVER }).then(() => woken.push("b"));
  await one.notify(database.sql, "news", "a");
  await Promise.all([mine, any]);
  expect(woken.toSorted()).toEqual(["a", "any"]);
});

test("hints of a hot writer are sent together", async () => {
  const { database, hints: one } = await hints();
  let notified = 0;
  await database.listen("news", () => (notified += 1));
  const woken = ["a", "b", "c"].map((id) => one.next("news", { id, tickMs: NEVER }));
  for (let turn = 0; turn < 100; turn += 1) for (const id of ["a", "b", "c"]) one.notifySoon("news", id);
  await Promise.all(woken);
  expect(notified).toBe(1);
});

test("a tick and an aborted signal end the wait as well", async () => {
  const { hints: one } = await hints();
  await one.next("news", { tickMs: 10 });
  await one.next("news", { tickMs: NEVER, signal: AbortSignal.abort() });
});
