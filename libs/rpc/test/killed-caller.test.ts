import { createServer, connect as connectTcp, type AddressInfo, type Socket } from "node:net";
import { Scope } from "@berth/std";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connect } from "../src/index.ts";
import { echo, echoHandlers, startListener } from "./echo.ts";

let scope: Scope;
beforeEach(() => void (scope = new Scope()));
afterEach(() => scope.close());

test("a caller whose connection ends without a word, as when it is killed, ends its streams at once", async () => {
  const listener = await startListener(scope);
  const gone = Promise.withResolvers<undefined>();
  listener.grpc(
    echo,
    {
      ...echoHandlers,
      async chat(stream, call) {
        call.signal.addEventListener("abort", () => gone.resolve(undefined));
        for await (const message of stream) stream.send(message);
      },
    },
    "public",
  );
  const sockets: Socket[] = [];
  const proxy = createServer((socket) => {
    const upstream = connectTcp(listener.port, "127.0.0.1");
    socket.pipe(upstream).pipe(socket);
    for (const one of [socket, upstream]) one.on("error", () => one.destroy());
    sockets.push(socket, upstream);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  scope.add("proxy", () => new Promise((resolve) => proxy.close(resolve)));
  using client = connect(echo, { targets: [`127.0.0.1:${(proxy.address() as AddressInfo).port}`] });
  const chat = client.chat();
  const answers = chat[Symbol.asyncIterator]();
  chat.send("hello");
  expect(await answers.next()).toMatchObject({ value: "hello" });
  for (const socket of sockets) socket.end();
  await gone.promise;
  for (const socket of sockets) socket.destroy();
  await expect(answers.next()).rejects.toMatchObject({ code: "unavailable" });
});
