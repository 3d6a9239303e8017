import { randomBytes } from "node:crypto";
import { Scope } from "@berth/std";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connect } from "../src/index.ts";
import { echo, echoHandlers, startListener } from "./echo.ts";

let scope: Scope;
beforeEach(() => void (scope = new Scope()));
afterEach(() => scope.close());

const key = randomBytes(32);

async function internal() {
  const listener = await startListener(scope);
  listener.grpc(echo, echoHandlers, "internal");
  return listener;
}

test("a caller that proves the deployment key is served, call after call and stream", async () => {
  const listener = await internal();
  listener.trust(key);
  using client = connect(echo, { targets: [listener.address], deploymentKey: key });
  expect([await client.say("one"), await client.say("two")]).toEqual(["one", "two"]);
  const chat = client.chat();
  chat.send("x");
  chat.end();
  expect(await Array.fromAsync(chat)).toEqual(["x!"]);
});

test("until the key is known, internal calls are unavailable", async () => {
  const listener = await internal();
  using client = connect(echo, { targets: [listener.address], deploymentKey: key });
  await expect(client.say("x", { deadlineMs: 300 })).rejects.toMatchObject({ code: "unavailable" });
  listener.trust(key);
  expect(await client.say("x")).toBe("x");
});

test("a stranger without the key is refused", async () => {
  const listener = await internal();
  listener.trust(key);
  using client = connect(echo, { targets: [listener.address] });
  await expect(client.say("x")).rejects.toMatchObject({ code: "unauthenticated" });
});

test("a caller of another key is refused, and does not go on with a server of another key", async () => {
  const listener = await internal();
  listener.trust(key);
  using client = connect(echo, { targets: [listener.address], deploymentKey: randomBytes(32) });
  await expect(client.say("x")).rejects.toMatchObject({
    code: "unauthenticated",
    message: expect.stringContaining("both processes must use the same database") as string,
  });
});

test("a proof heard on the wire opens nothing a second time", async () => {
  const listener = await startListener(scope);
  const heard: string[] = [];
  listener.grpc(
    echo,
    {
      ...echoHandlers,
      say: (word, call) =>
        Promise.resolve(word).then((said) => (heard.push(call.header("berth-proof") ?? ""), said)),
    },
    "internal",
  );
  listener.trust(key);
  using client = connect(echo, { targets: [listener.address], deploymentKey: key });
  await client.say("x");
  using eavesdropper = connect(echo, { targets: [listener.address] });
  await expect(eavesdropper.say("y", { headers: { "berth-proof": heard[0] ?? "" } })).rejects.toMatchObject({
    code: "unauthenticated",
    message: "the proof was used before",
  });
});
