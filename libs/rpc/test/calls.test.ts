import { CodedError, Scope, codeOf } from "@berth/std";
import { currentTraceparent, withSpan } from "@berth/telemetry";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Call, connect } from "../src/index.ts";
import { startFreezer } from "./proxies.ts";
import { echo, echoHandlers, startListener } from "./echo.ts";

let scope: Scope;
beforeEach(() => void (scope = new Scope()));
afterEach(() => scope.close());

async function failureOf(promise: Promise<unknown>): Promise<CodedError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof CodedError)) throw new Error("expected a CodedError", { cause: error });
  return error;
}

for (const target of ["port", "own socket", "access URL"] as const)
  test(`unary, server stream and bidirectional stream pass over the ${target}`, async () => {
    const listener = await startListener(scope);
    listener.grpc(echo, echoHandlers, "public");
    const name = {
      port: listener.address,
      "own socket": listener.ownTarget,
      "access URL": `http://${listener.address}`,
    };
    using client = connect(echo, { targets: [name[target]] });
    expect(await client.say("hello")).toBe("hello");
    const counted = await Array.fromAsync(client.count("1000"));
    expect([counted.length, counted.at(-1)]).toEqual([1000, "1000"]);
    const chat = client.chat();
    chat.send("a");
    chat.send("b");
    chat.end();
    expect(await Array.fromAsync(chat)).toEqual(["a!", "b!"]);
  });

test("a CodedError arrives with its code, message and reason; its cause stays behind", async () => {
  const listener = await startListener(scope);
  const refuse = () =>
    Promise.reject(
      new CodedError("unauthenticated", "the token was revoked", {
        cause: new Error("row 7"),
        fields: { reason: "token_revoked", token: "x" },
      }),
    );
  listener.grpc(echo, { ...echoHandlers, say: refuse, chat: refuse }, "public");
  using client = connect(echo, { targets: [listener.ownTarget] });
  for (const call of [() => client.say("x"), () => Array.fromAsync(client.chat())]) {
    const error = await failureOf(call());
    expect([error.code, error.message]).toEqual(["unauthenticated", "the token was revoked"]);
    expect(error.fields).toEqual({ reason: "token_revoked" });
  }
});

test("a message that is too long for a header is cut, and a reason that is no word stays behind", async () => {
  const listener = await startListener(scope);
  const say = () =>
    Promise.reject(
      new CodedError("invalid_argument", "é".repeat(100_000), { fields: { reason: "pas prêt\n" } }),
    );
  listener.grpc(echo, { ...echoHandlers, say }, "public");
  using client = connect(echo, { targets: [listener.address] });
  const error = await failureOf(client.say("x"));
  expect(error.code).toBe("invalid_argument");
  expect(error.message).toMatch(/^é{2000} …$/);
  expect(error.fields).toEqual({});
});

test("a header that cannot be sent is told by its name, not by its value", async () => {
  using client = connect(echo, { targets: ["127.0.0.1:1"], headers: { "coder-agent-token": "geheim-ü" } });
  for (const call of [() => client.say("x"), () => Array.fromAsync(client.chat())]) {
    const error = await failureOf(call());
    expect(error.code).toBe("invalid_argument");
    expect(error.message).toMatch(/^the value of coder-agent-token (?!.*geheim)/);
  }
});

test("anything else is internal without detail, and logged whole", async () => {
  const listener = await startListener(scope);
  const bug = () => Promise.reject(new TypeError("password is hunter2"));
  listener.grpc(echo, { ...echoHandlers, say: bug }, "public");
  using client = connect(echo, { targets: [listener.ownTarget] });
  const error = await failureOf(client.say("x"));
  expect([error.code, error.message]).toEqual(["internal", "internal error"]);
  expect(JSON.stringify(listener.lines)).toContain("password is hunter2");
});

test("messages sent before a failure are read before it is thrown", async () => {
  const listener = await startListener(scope);
  listener.grpc(
    echo,
    {
      ...echoHandlers,
      async chat(stream) {
        stream.send("one");
        stream.send("two");
        await Promise.reject(new CodedError("failed_precondition", "no more"));
      },
    },
    "public",
  );
  using client = connect(echo, { targets: [listener.ownTarget] });
  const heard: string[] = [];
  const error = await failureOf(
    (async () => {
      for await (const word of client.chat()) heard.push(word);
    })(),
  );
  expect([...heard, error.message]).toEqual(["one", "two", "no more"]);
});

test("unavailable is tried again, at the next target first, within the deadline", async () => {
  const listener = await startListener(scope);
  let calls = 0;
  const say = (word: string) =>
    ++calls < 3 ? Promise.reject(new CodedError("unavailable", "not yet")) : Promise.resolve(word);
  listener.grpc(echo, { ...echoHandlers, say }, "public");
  using client = connect(echo, { targets: ["127.0.0.1:1", listener.address] });
  expect(await client.say("x")).toBe("x");
  expect(calls).toBe(3);
});

test("other codes are not tried again", async () => {
  const listener = await startListener(scope);
  let calls = 0;
  const say = () => {
    calls += 1;
    return Promise.reject(new CodedError("resource_exhausted", "quota"));
  };
  listener.grpc(echo, { ...echoHandlers, say }, "public");
  using client = connect(echo, { targets: [listener.ownTarget] });
  expect((await failureOf(client.say("x"))).code).toBe("resource_exhausted");
  expect(calls).toBe(1);
});

test("nobody there is unavailable and names the target, and the deadline ends the trying", async () => {
  using client = connect(echo, { targets: ["127.0.0.1:1"] });
  const error = await failureOf(client.say("x", { deadlineMs: 300 }));
  expect(error.code).toBe("unavailable");
  expect(error.message).toContain("127.0.0.1:1");
  const streamed = await failureOf(Array.fromAsync(client.chat()));
  expect(streamed.code).toBe("unavailable");
});

test("a deadline that passes is told to both sides", async () => {
  const listener = await startListener(scope);
  const ended = Promise.withResolvers<boolean>();
  const say = (_word: string, call: Call) =>
    new Promise<string>(() => call.signal.addEventListener("abort", () => ended.resolve(true)));
  listener.grpc(echo, { ...echoHandlers, say }, "public");
  using client = connect(echo, { targets: [listener.ownTarget] });
  expect((await failureOf(client.say("x", { deadlineMs: 200 }))).code).toBe("deadline_exceeded");
  expect(await ended.promise).toBe(true);
});

test("a caller that gives up, or is disposed, ends the call at the server", async () => {
  const listener = await startListener(scope);
  const ends: string[] = [];
  const began = Promise.withResolvers<undefined>();
  const ended = Promise.withResolvers<undefined>();
  listener.grpc(
    echo,
    {
      ...echoHandlers,
      async chat(stream) {
        try {
          for await (const word of stream) {
            stream.send(word);
            began.resolve(undefined);
          }
        } catch (error) {
          ends.push(codeOf(error));
          if (ends.length === 2) ended.resolve(undefined);
          throw error;
        }
      },
    },
    "public",
  );
  const client = connect(echo, { targets: [listener.ownTarget] });
  const first = client.chat();
  first.send("a");
  await began.promise;
  first.cancel();
  expect((await failureOf(Array.fromAsync(first))).code).toBe("cancelled");
  const second = client.chat();
  second.send("b");
  for await (const _word of second) break;
  client[Symbol.dispose]();
  await ended.promise;
  expect(ends).toEqual(["cancelled", "cancelled"]);
  expect(listener.lines).toEqual([]);
});

test("a slow reader slows the sender down", async () => {
  const listener = await startListener(scope);
  const long = "x".repeat(64 << 10);
  const full = Promise.withResolvers<number>();
  listener.grpc(
    echo,
    {
      ...echoHandlers,
      async count(_request, stream, call) {
        for (let sent = 1; !call.signal.aborted; sent += 1)
          if (!stream.send(long)) {
            if (sent > 40) full.resolve(sent);
            await stream.writable();
          }
      },
    },
    "public",
  );
  using client = connect(echo, { targets: [listener.ownTarget] });
  for await (const word of client.count("x")) {
    expect(word.length).toBe(long.length);
    break;
  }
  using reading = connect(echo, { targets: [listener.ownTarget] });
  let read = 0;
  for await (const _word of reading.count("x")) if (++read === 200) break;
  expect(await full.promise).toBeGreaterThan(40);
});

test("the trace of the caller is the trace of the handler", async () => {
  const listener = await startListener(scope);
  listener.grpc(echo, { ...echoHandlers, say: () => Promise.resolve(currentTraceparent() ?? "") }, "public");
  using client = connect(echo, { targets: [listener.ownTarget] });
  const traceparent = `00-${"e".repeat(32)}-${"f".repeat(16)}-01`;
  expect(await withSpan("test.call", () => client.say("x"), { traceparent })).toContain("e".repeat(32));
});

test("headers of the client and of the call arrive", async () => {
  const listener = await startListener(scope);
  const say = (_word: string, call: Call) =>
    Promise.resolve(`${call.header("coder-agent-token") ?? ""} ${call.header("x-one") ?? ""} ${call.peer}`);
  listener.grpc(echo, { ...echoHandlers, say }, "public");
  using client = connect(echo, { targets: [listener.ownTarget], headers: { "coder-agent-token": "t" } });
  expect(await client.say("x", { headers: { "x-one": "1" } })).toBe("t 1 unix");
});

test("a target that cannot be read is refused at once", () => {
  expect(() => connect(echo, { targets: ["example.com"] })).toThrow(/is no gRPC target/);
});

test("bytes pass without being touched, also in bulk with a raised receive window", async () => {
  const raw = (bytes: Buffer) => bytes;
  const bytes = {
    link: {
      path: "/berth.test.v1.BytesService/Link",
      requestStream: true as const,
      responseStream: true as const,
      requestSerialize: raw,
      requestDeserialize: raw,
      responseSerialize: raw,
      responseDeserialize: raw,
    },
  };
  const listener = await startListener(scope);
  const batch = Buffer.alloc(64 << 10, 1);
  listener.grpc(
    bytes,
    {
      async link(stream) {
        for (let sent = 0; sent < 256; sent += 1) if (!stream.send(batch)) await stream.writable();
      },
    },
    "public",
  );
  using client = connect(bytes, { targets: [listener.address], receiveWindowBytes: 8 << 20 });
  let received = 0;
  for await (const part of client.link()) received += part.length;
  expect(received).toBe(256 * batch.length);
});

test("what was sent before the way was found is sent then, in order", async () => {
  const listener = await startListener(scope);
  listener.grpc(echo, echoHandlers, "public");
  using client = connect(echo, { targets: [`http://${listener.address}`] });
  const chat = client.chat();
  const words = Array.from({ length: 40 }, (_, at) => String(at));
  const room = words.map((word) => chat.send(word));
  expect([room[0], room.at(-1)]).toEqual([true, false]);
  await chat.writable();
  chat.end();
  expect(await Array.fromAsync(chat)).toEqual(words.map((word) => `${word}!`));
});

test("after a call that heard nothing, the next one dials anew", async () => {
  const listener = await startListener(scope);
  listener.grpc(echo, echoHandlers, "public");
  const freezer = await startFreezer(scope, listener.port);
  using client = connect(echo, { targets: [`127.0.0.1:${freezer.port}`] });
  expect(await client.say("one")).toBe("one");
  freezer.freeze();
  expect((await failureOf(client.say("two", { deadlineMs: 200 }))).code).toBe("deadline_exceeded");
  expect(await client.say("three")).toBe("three");
  expect(freezer.connections()).toBe(2);
});
