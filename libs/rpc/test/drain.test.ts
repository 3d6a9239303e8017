import { request } from "node:http";
import { connect as connectSocket } from "node:net";
import { CodedError, Scope, codeOf } from "@berth/std";
import { afterEach, beforeEach, expect, test } from "vitest";
import { acceptWebSocket, connect, openWebSocket } from "../src/index.ts";
import { echo, echoHandlers, startListener } from "./echo.ts";

let scope: Scope;
beforeEach(() => void (scope = new Scope()));
afterEach(() => scope.close());

/** A service whose streams say goodbye when they are told to move. */
const polite = {
  ...echoHandlers,
  async chat(stream: { send(word: string): boolean }, call: { draining: AbortSignal; signal: AbortSignal }) {
    stream.send("welcome");
    await new Promise<void>((resolve) => {
      call.draining.addEventListener("abort", () => resolve());
      call.signal.addEventListener("abort", () => resolve());
    });
    stream.send("goodbye");
  },
};

test("an open stream is told to move, may finish, and the drain waits for it", async () => {
  const listener = await startListener(scope);
  listener.grpc(echo, polite, "public");
  using client = connect(echo, { targets: [listener.address] });
  const words = client.chat()[Symbol.asyncIterator]();
  expect((await words.next()).value).toBe("welcome");
  const drained = listener.drain(30_000).then(() => "drained");
  expect((await words.next()).value).toBe("goodbye");
  expect((await words.next()).done).toBe(true);
  expect(await drained).toBe("drained");
});

test("asked to move, a listener still takes new streams; draining, it takes none and says so in a way that is retried", async () => {
  const [old, next] = [await startListener(scope), await startListener(scope)];
  const held = Promise.withResolvers<undefined>();
  old.grpc(
    echo,
    {
      ...echoHandlers,
      async chat(stream) {
        stream.send("held");
        await held.promise;
      },
    },
    "public",
  );
  old.http("/hello", (_request, response) => response.end("hello"));
  next.grpc(echo, echoHandlers, "public");
  using client = connect(echo, { targets: [old.address, next.address] });
  old.askToMove();
  const stream = client.chat();
  expect((await stream[Symbol.asyncIterator]().next()).value).toBe("held");
  expect(await client.say("old")).toBe("old");
  const drained = old.drain(30_000);
  expect(await client.say("next")).toBe("next");
  held.resolve(undefined);
  await drained;
  const refused = await new Promise<string>((resolve) =>
    connectSocket(old.port, "127.0.0.1").on("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code ?? ""),
    ),
  );
  expect(refused).toBe("ECONNREFUSED");
});

test("a stream that does not end is ended when the time is up, with unavailable", async () => {
  const listener = await startListener(scope);
  const ends: string[] = [];
  listener.grpc(
    echo,
    {
      ...echoHandlers,
      async chat(stream, call) {
        stream.send("here");
        await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
        ends.push("told");
      },
    },
    "public",
  );
  using client = connect(echo, { targets: [listener.address] });
  const stream = client.chat();
  const words = stream[Symbol.asyncIterator]();
  await words.next();
  await listener.drain(50);
  expect(ends).toEqual([]);
  await listener.close();
  const error: unknown = await words.next().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CodedError);
  expect(["unavailable", "cancelled"]).toContain(codeOf(error));
  expect(ends).toEqual(["told"]);
});

test("a request in flight is answered, with a word that the connection ends", async () => {
  const listener = await startListener(scope);
  const [began, go] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  listener.http("/slow", (_request, response) => {
    began.resolve(undefined);
    void go.promise.then(() => response.end("done"));
  });
  listener.http("/quick", (_request, response) => response.end("done"));
  const answer = new Promise<string>((resolve) =>
    request({ port: listener.port, host: "127.0.0.1", path: "/slow" }, (response) => {
      response.on("data", (chunk: Buffer) => resolve(chunk.toString()));
    }).end(),
  );
  await began.promise;
  listener.announceLeave();
  const quick = await fetch(`http://${listener.address}/quick`);
  expect(quick.headers.get("connection")).toBe("close");
  const drained = listener.drain(30_000);
  go.resolve(undefined);
  expect(await answer).toBe("done");
  await drained;
});

test("WebSockets that nobody closed are closed with 1012", async () => {
  const listener = await startListener(scope);
  listener.upgrade("/watch", (incoming, socket, head) => void acceptWebSocket(incoming, socket, head));
  const socket = await openWebSocket(`http://${listener.address}/watch`);
  await Promise.all([listener.drain(30_000), socket.closed]);
  expect(await socket.closed).toEqual({ code: 1012, reason: "restarting" });
});
