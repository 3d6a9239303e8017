import { Frame, encodePong } from "@berth/derp";
import { expect, test } from "vitest";
import { Connection } from "./connection.ts";
import { Directory } from "./directory.ts";
import { Forwarder, type Link } from "./forwarder.ts";
import { Outbox } from "./outbox.ts";
import { Tally } from "./tally.ts";

/** A connection whose client takes the first write and, when told so, nothing after it. */
function setUp({ takes = true, canAckPings = true } = {}) {
  const sent: Buffer[] = [];
  const transport = {
    write: (chunks: readonly Buffer[], written: () => void) => {
      sent.push(...chunks);
      if (takes) written();
    },
    end: () => undefined,
    destroy: () => undefined,
  };
  const tally = new Tally();
  const none = () => undefined;
  const directory = new Directory<Connection, Link>({
    present: none,
    left: none,
    gone: none,
    outlived: none,
  });
  const forwarder = new Forwarder(directory, tally);
  const clock = { now: performance.now() };
  const owner = { forwarder, tally, now: () => clock.now, spoke: none, ended: none };
  const outbox = new Outbox(transport, { waitingBytes: 0 }, none);
  const { now } = clock;
  const said = { version: 2, canAckPings, isProber: false };
  const connection = new Connection(owner, Buffer.alloc(32, 1), said, outbox, now);
  connection.arrived(directory.arrive(connection));
  const answer = () => {
    const ping = sent.findLast((frame) => frame[0] === Frame.ping.code);
    const pong = encodePong(ping?.subarray(5) ?? Buffer.alloc(8));
    connection.hear(Frame.pong.code, pong, 0, pong.length);
  };
  const kinds = () => sent.map((frame) => frame[0]);
  return { connection, outbox, kinds, answer, clock, now };
}

test("a write that nobody takes ends the connection after 2 s, for a client whose line is known to be quick", () => {
  const { connection, outbox, answer, now } = setUp({ takes: false });
  answer();
  outbox.control(Buffer.from("waits"));
  expect(connection.tend(now + 1_500)).toBeUndefined();
  expect(connection.tend(now + 3_000)).toBe("took no data");
});

test("a client that is still heard may be slow to take data, but not for ever", () => {
  const { connection, answer, now } = setUp({ takes: false });
  answer();
  connection.endOfRead(now + 9_000);
  expect(connection.tend(now + 10_000)).toBeUndefined();
  connection.endOfRead(now + 30_500);
  expect(connection.tend(now + 31_000)).toBe("took no data");
});

test("before the first answer a line may be as slow as 3 s each way", () => {
  const { connection, now } = setUp({ takes: false });
  expect(connection.tend(now + 8_000)).toBeUndefined();
  expect(connection.tend(now + 12_000)).toBe("took no data");
});

test("every minute a client hears a keep-alive and a ping, and is ended when it answers with nothing until the next", () => {
  const { connection, kinds, now } = setUp();
  expect(connection.tend(now + 59_000)).toBeUndefined();
  expect(kinds()).toEqual([Frame.ping.code]);
  expect(connection.tend(now + 65_001)).toBeUndefined();
  expect(kinds()).toEqual([Frame.ping.code, Frame.keepAlive.code, Frame.ping.code]);
  expect(connection.tend(now + 130_002)).toBe("silent");
});

test("a client that answers is kept alive", () => {
  const { connection, kinds, answer, clock, now } = setUp();
  for (let minute = 1; minute <= 3; minute += 1) {
    clock.now = now + minute * 65_001;
    expect(connection.tend(clock.now)).toBeUndefined();
    clock.now += 30;
    answer();
    connection.endOfRead(clock.now);
  }
  expect(kinds().filter((kind) => kind === Frame.keepAlive.code)).toHaveLength(3);
});

test("a client that cannot answer pings is never pinged, and never ended for being idle", () => {
  const { connection, kinds, now } = setUp({ canAckPings: false });
  connection.challenge(now);
  for (let minute = 1; minute <= 3; minute += 1)
    expect(connection.tend(now + minute * 65_001)).toBeUndefined();
  expect(kinds()).toEqual([Frame.keepAlive.code, Frame.keepAlive.code, Frame.keepAlive.code]);
});

test("a challenged connection stays when it answers, and ends when it does not", () => {
  const { connection, answer, now } = setUp();
  answer();
  connection.challenge(now + 1_000);
  connection.endOfRead(now + 1_200);
  expect(connection.tend(now + 10_000)).toBeUndefined();
  connection.challenge(now + 11_000);
  expect(connection.tend(now + 12_000)).toBeUndefined();
  expect(connection.tend(now + 13_500)).toBe("outlived");
});

test("a pong proves life, but is no reason to send packets there", () => {
  const { connection, answer, now } = setUp();
  answer();
  connection.endOfRead(now + 5_000);
  expect(connection.spokeAt).toBe(now);
});
