import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { eventually, expectNoLeaks, FaultyProxy } from "@berth/testing";

expectNoLeaks();

async function throughProxy() {
  const echo = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const proxy = await FaultyProxy.start({ host: "127.0.0.1", port: (echo.address() as AddressInfo).port });
  onTestFinished(async () => {
    await proxy[Symbol.asyncDispose]();
    await new Promise((resolve) => echo.close(resolve));
  });
  return { proxy, dial: () => dial(proxy.port) };
}

async function dial(port: number) {
  const socket: Socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  const heard: string[] = [];
  const state = { heard, closed: false, send: (text: string) => socket.write(text) };
  socket.on("data", (chunk) => heard.push(chunk.toString()));
  socket.on("error", () => socket.destroy());
  socket.on("close", () => (state.closed = true));
  await new Promise((resolve) => socket.once("connect", resolve));
  return state;
}

test("bytes pass both ways until the connection is cut, and new ones are taken after", async () => {
  const { proxy, dial: open } = await throughProxy();
  const client = await open();
  client.send("hello");
  await eventually(() => expect(client.heard.join("")).toBe("hello"));
  proxy.cut();
  await eventually(() => expect(client.closed).toBe(true));
  const next = await open();
  next.send("again");
  await eventually(() => expect(next.heard.join("")).toBe("again"));
});

test("a silent connection stays open and hears nothing, until it is healed", async () => {
  const { proxy, dial: open } = await throughProxy();
  const client = await open();
  client.send("a");
  await eventually(() => expect(client.heard.join("")).toBe("a"));
  proxy.silence();
  client.send("b");
  const late = await open();
  late.send("c");
  await eventually(() => expect(proxy.connections).toBe(2));
  expect([client.heard.join(""), late.heard.join(""), client.closed]).toEqual(["a", "", false]);
  proxy.heal();
  await eventually(() => expect([client.heard.join(""), late.heard.join("")]).toEqual(["ab", "c"]));
});

test("a slow connection keeps the order of bytes", async () => {
  const { proxy, dial: open } = await throughProxy();
  const client = await open();
  proxy.slow(30);
  for (const letter of "abcdefgh") client.send(letter);
  await eventually(() => expect(client.heard.join("")).toBe("abcdefgh"));
});
