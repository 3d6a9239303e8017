import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestApi, startApi } from "./plane.ts";

let api: TestApi;

beforeAll(async () => (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

/** The status and body of an answer to these very bytes. */
async function say(target: string, headers: readonly string[] = []) {
  const socket = connect(Number(new URL(api.url).port), "127.0.0.1");
  socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n${headers.map((one) => `${one}\r\n`).join("")}`);
  socket.write(headers.length === 0 ? "Connection: close\r\n\r\n" : "\r\n");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "close");
  const [head = "", body = ""] = Buffer.concat(chunks).toString().split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), body };
}

test.each(["//", "//[", "/\\[", "http://[", "/%zz", "/api/v2/users/%zz", `/${"a".repeat(8_000)}`])(
  "a request for %s is answered, upgraded or not, and the process lives",
  async (target) => {
    const plain = await say(target);
    expect([200, 400, 404]).toContain(plain.status);
    const upgrade = await say(target, ["Upgrade: websocket", "Connection: Upgrade"]);
    expect(upgrade).toMatchObject({ status: 404, body: expect.stringContaining("message") as string });
    expect((await fetch(`${api.url}/api/v2/buildinfo`)).status).toBe(200);
  },
);
