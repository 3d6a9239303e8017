import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CodedError } from "@berth/std";
import { SESSION_CREDIT_BYTES } from "../src/stream-table.ts";
import { STREAM_CREDIT_BYTES } from "../src/session-stream.ts";
import type { TunnelStream } from "../src/types.ts";
import { runUntil, seeded, SessionPair, type Weather } from "./lossy-path.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => vi.useRealTimers());

const advance = (ms: number) => vi.advanceTimersByTime(ms);

/** What was read of a stream so far, and how it ended. */
function record(stream: TunnelStream) {
  const heard = { hash: createHash("sha256"), bytes: 0, isEnded: false, error: undefined as unknown };
  stream.on("data", (data: Buffer) => {
    heard.hash.update(data);
    heard.bytes += data.length;
  });
  stream.on("end", () => (heard.isEnded = true));
  stream.on("error", (error) => (heard.error = error));
  return heard;
}

function bytesOf(length: number, seed: number): Buffer {
  const random = seeded(seed);
  return Buffer.from(Uint8Array.from({ length }, () => random() * 256));
}

/** Writes in uneven pieces with back-pressure. */
async function write(stream: TunnelStream, bytes: Buffer, random: () => number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + Math.floor(random() * 20_000);
    if (!stream.write(bytes.subarray(at, end))) await new Promise((resolve) => stream.once("drain", resolve));
    at = end;
  }
  stream.end();
}

async function echoRun(run: {
  seed: number;
  kind: "relay" | "direct";
  weather: Weather;
  sizes: readonly number[];
  replacements: readonly ("there" | "back" | "cut")[];
}): Promise<void> {
  const pair = new SessionPair(run);
  const random = seeded(run.seed + 7);
  const ended = vi.fn();
  void pair.dialer.ended.then(ended);
  void pair.acceptor.ended.then(ended);
  // The acceptor sends everything back, so both directions are under the same weather.
  pair.acceptor.onStream((stream) => stream.pipe(stream));
  const flows = await Promise.all(
    run.sizes.map(async (size, at) => {
      const bytes = bytesOf(size, run.seed + at);
      const stream = await pair.dialer.open({ service: "tcp", port: at });
      const heard = record(stream);
      void write(stream, bytes, random);
      return { bytes, heard, stream };
    }),
  );
  let turns = 0;
  const replacements = [...run.replacements];
  const strike = () => {
    const next = replacements.shift();
    if (next === "cut") pair[random() < 0.5 ? "there" : "back"].isCut = true;
    else if (next !== undefined) pair.replace(next);
    // Every path that was cut is replaced in the end, as every relay that dies is.
    else for (const way of ["there", "back"] as const) if (pair[way].isCut) pair.replace(way);
  };
  const isDone = () => {
    if (++turns % 40 === 0) strike();
    return (
      flows.every(({ heard, stream }) => heard.isEnded && stream.writableFinished) ||
      ended.mock.calls.length > 0
    );
  };
  await runUntil(isDone, advance);
  expect(ended).not.toHaveBeenCalled(); // and so no rule, credit among them, was broken
  for (const { bytes, heard } of flows) {
    expect(heard.bytes).toBe(bytes.length);
    expect(heard.hash.digest("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
  }
  await pair.close();
}

const sizes = fc.array(fc.nat(120_000), { minLength: 1, maxLength: 4 });
const strikes = fc.array(fc.constantFrom("there" as const, "back" as const, "cut" as const), {
  maxLength: 6,
});
const share = (max: number) => fc.double({ min: 0, max, noNaN: true });

test("over relay paths that drop, repeat, die and are replaced, every byte arrives in order, once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.nat(),
        kind: fc.constant("relay" as const),
        weather: fc.record({ drop: share(0.2), duplicate: share(0.2) }),
        sizes,
        replacements: strikes,
      }),
      echoRun,
    ),
    { numRuns: 40 },
  );
}, 60_000);

test("over direct paths that reorder besides, every byte arrives in order, once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.nat(),
        kind: fc.constant("direct" as const),
        weather: fc.record({ drop: share(0.1), duplicate: share(0.1), reorder: share(0.3) }),
        sizes,
        replacements: strikes,
      }),
      echoRun,
    ),
    { numRuns: 20 },
  );
}, 60_000);

test("a malicious relay that drops, repeats, reorders and corrupts can delay, and nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.nat(),
        kind: fc.constant("relay" as const),
        weather: fc.record({
          ...{ drop: share(0.1), duplicate: share(0.2), reorder: share(0.3), corrupt: share(0.1) },
        }),
        sizes,
        replacements: strikes,
      }),
      echoRun,
    ),
    { numRuns: 20 },
  );
}, 60_000);

test("ten thousand streams, a thousand at a time, come and go over one session", async () => {
  const pair = new SessionPair();
  pair.acceptor.onStream((stream) => stream.pipe(stream));
  let echoed = 0;
  for (let round = 0; round < 10; round++) {
    const opened = await Promise.all(
      Array.from({ length: 1000 }, (_, port) => pair.dialer.open({ service: "tcp", port })),
    );
    for (const stream of opened) {
      stream.on("data", (data: Buffer) => (echoed += data.length));
      stream.end("x");
    }
    await runUntil(() => opened.every(({ destroyed }) => destroyed), advance);
  }
  expect(echoed).toBe(10_000);
  await pair.close();
}, 60_000);

test("replayed and forged packets change nothing", async () => {
  const pair = new SessionPair();
  const streams: TunnelStream[] = [];
  pair.acceptor.onStream((stream) => streams.push(stream));
  const stream = await pair.dialer.open({ service: "ssh" });
  stream.write("one");
  await runUntil(() => streams.length === 1, advance);
  const heard = record(streams[0]!);
  await runUntil(() => heard.bytes === 3, advance);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  const received = pair.acceptor.measures.receivedBytes;
  for (const packet of [...pair.there.seen]) {
    pair.acceptor.receive(packet);
    const forged = Buffer.from(packet);
    forged[forged.length - 1]! ^= 1;
    pair.acceptor.receive(forged);
  }
  expect(pair.acceptor.measures.receivedBytes).toBe(received);
  expect(streams).toHaveLength(1);
  expect(heard.bytes).toBe(3);
  await pair.close();
});

test("half-close: what was said after the other side's end still arrives", async () => {
  const pair = new SessionPair();
  const answers: string[] = [];
  pair.acceptor.onStream((stream) => {
    stream.on("data", (data: Buffer) => answers.push(data.toString()));
    stream.on("end", () => stream.end(`you said ${answers.join("")}`));
  });
  const stream = await pair.dialer.open({ service: "ssh" });
  const said: string[] = [];
  stream.on("data", (data: Buffer) => said.push(data.toString()));
  stream.end("hello");
  await runUntil(() => stream.destroyed, advance);
  expect(said.join("")).toBe("you said hello");
  await pair.close();
});

test("an abort surfaces at the peer as an error with its code and reason, and gives the credit back", async () => {
  const pair = new SessionPair();
  const streams: TunnelStream[] = [];
  pair.acceptor.onStream((stream) => streams.push(stream));
  // More than the credit of a session, in streams that nobody reads and that are aborted.
  for (let round = 0; round * STREAM_CREDIT_BYTES < 2 * SESSION_CREDIT_BYTES; round++) {
    const stream = await pair.dialer.open({ service: "tcp", port: 1 });
    const heard = record(stream);
    stream.write(Buffer.alloc(STREAM_CREDIT_BYTES));
    const count = round + 1;
    await runUntil(() => streams.length === count, advance);
    for (let turn = 0; turn < 100; turn++) await runUntil(() => turn++ % 2 === 1, advance);
    streams.at(-1)!.destroy(new CodedError("unavailable", "connection refused: 127.0.0.1:1"));
    await runUntil(() => stream.destroyed, advance);
    expect(heard.error).toMatchObject({ code: "unavailable", message: "connection refused: 127.0.0.1:1" });
  }
  await pair.close();
});

test("a reader that does not read stops its writer, and no other stream", async () => {
  const pair = new SessionPair();
  const streams: TunnelStream[] = [];
  pair.acceptor.onStream((stream) => streams.push(stream));
  const stuck = await pair.dialer.open({ service: "tcp", port: 1 });
  let accepted = 0;
  const feed = () => {
    while (accepted < 20 * STREAM_CREDIT_BYTES) {
      accepted += 65_536;
      if (!stuck.write(Buffer.alloc(65_536))) return stuck.once("drain", feed);
    }
    return stuck;
  };
  feed();
  const shell = await pair.dialer.open({ service: "ssh" });
  await runUntil(() => streams.length === 2, advance);
  const heard = record(streams[1]!);
  shell.write("ls\n");
  await runUntil(() => heard.bytes === 3, advance);
  for (let turn = 0; turn < 2000; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(accepted).toBeLessThan(2 * STREAM_CREDIT_BYTES);
  await pair.close();
});

test("a stream that its acceptor refuses ends with the refusal", async () => {
  const pair = new SessionPair({
    acceptor: {
      admit: () => {
        throw new CodedError("permission_denied", "the ticket does not permit ssh");
      },
    },
  });
  const heard = record(await pair.dialer.open({ service: "ssh" }));
  await runUntil(() => heard.error !== undefined, advance);
  expect(heard.error).toMatchObject({ code: "permission_denied", message: "the ticket does not permit ssh" });
  await pair.close();
});

test("a silent peer is waited for, and given up in the end: its streams fail", async () => {
  const pair = new SessionPair({ dialer: { abandonMs: 60_000 } });
  const stream = await pair.dialer.open({ service: "ssh" });
  const heard = record(stream);
  stream.write("hello");
  pair.there.isCut = true;
  pair.back.isCut = true;
  const end = vi.fn();
  void pair.dialer.ended.then(end);
  for (let second = 0; second < 58; second++) {
    advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(end).not.toHaveBeenCalled();
  expect(pair.dialer.measures.unansweredMs).toBeGreaterThan(50_000);
  await runUntil(
    () => end.mock.calls.length > 0,
    () => advance(1000),
  );
  expect(end.mock.calls[0]![0]).toMatchObject({ kind: "abandoned" });
  await runUntil(() => heard.error !== undefined, advance);
  expect(heard.error).toMatchObject({ code: "unavailable" });
  await pair.close();
});

test("a session that is closed ends at both ends, says why, and leaves no timer", async () => {
  const pair = new SessionPair();
  await pair.dialer.open({ service: "ssh" });
  await runUntil(() => pair.acceptor.measures.receivedBytes > 0, advance);
  await pair.dialer.close("done");
  expect(await pair.dialer.ended).toEqual({ kind: "closed", by: "us", reason: "done" });
  expect(await pair.acceptor.ended).toEqual({ kind: "closed", by: "peer", reason: "done" });
  expect(vi.getTimerCount()).toBe(0);
  await expect(pair.dialer.open({ service: "ssh" })).rejects.toMatchObject({ code: "unavailable" });
});

test("an idle dialer asks now and then whether its peer is there", async () => {
  const pair = new SessionPair();
  await runUntil(() => pair.dialer.measures.receivedBytes > 0, advance);
  const before = pair.dialer.measures.receivedBytes;
  for (let second = 0; second < 60; second++) {
    advance(1000);
    for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(pair.dialer.measures.receivedBytes).toBeGreaterThan(before);
  await pair.close();
});
