import { RoundTrip } from "@berth/std";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PERIODS } from "../periods.ts";
import { Contact, type Lost } from "./contact.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
afterEach(() => void vi.useRealTimers());

function watch(tripMs: number) {
  const roundTrip = new RoundTrip();
  roundTrip.measured(tripMs);
  const lost: Lost[] = [];
  const contact = new Contact(PERIODS, roundTrip, (why) => lost.push(why));
  return { contact, lost, pass: (ms: number) => void vi.advanceTimersByTime(ms) };
}

test("silence is lost contact after its period and three round trips, said once", () => {
  const { lost, pass } = watch(6_000);
  pass(PERIODS.silenceMs + 17_000);
  expect(lost).toEqual([]);
  pass(4_000);
  pass(60_000);
  expect(lost).toEqual(["silence"]);
});

test("a replica whose database is away is heard, until nothing was committed for too long", () => {
  const { contact, lost, pass } = watch(10);
  for (let beat = 0; beat < 79; beat += 1) {
    contact.heard(false);
    pass(3_000);
  }
  expect(lost).toEqual([]);
  contact.heard(false);
  pass(6_000);
  expect(lost).toEqual(["uncommitted"]);
});

test("every Terraform that nobody hears of is killed before its workspace is let go", () => {
  const holdMs = 5 * 60_000; // the control plane's, from an expiry that comes after the lease at the earliest
  const { silenceMs, uncommittedMs, unheardKillMs } = PERIODS;
  const slowest = new RoundTrip(20_000).patienceMs(silenceMs);
  expect(Math.max(slowest, uncommittedMs) + unheardKillMs).toBeLessThan(holdMs);
});
