import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Scope } from "@berth/std";
import { createLogger, createMetrics } from "@berth/telemetry";
import { type Handlers, type Listener, type ListenerOptions, openListener } from "../src/index.ts";

const json = {
  requestSerialize: (value: string) => Buffer.from(JSON.stringify(value)),
  requestDeserialize: (bytes: Buffer) => JSON.parse(bytes.toString()) as string,
  responseSerialize: (value: string) => Buffer.from(JSON.stringify(value)),
  responseDeserialize: (bytes: Buffer) => JSON.parse(bytes.toString()) as string,
};

/** A service with one rpc of each kind, not from any proto. */
export const echo = {
  say: {
    path: "/berth.test.v1.EchoService/Say",
    requestStream: false as const,
    responseStream: false as const,
    ...json,
  },
  count: {
    path: "/berth.test.v1.EchoService/Count",
    requestStream: false as const,
    responseStream: true as const,
    ...json,
  },
  chat: {
    path: "/berth.test.v1.EchoService/Chat",
    requestStream: true as const,
    responseStream: true as const,
    ...json,
  },
};

/** Answers what it hears. */
export const echoHandlers: Handlers<typeof echo> = {
  say: (request) => Promise.resolve(request),
  async count(request, stream) {
    for (let at = 1; at <= Number(request); at += 1) if (!stream.send(String(at))) await stream.writable();
  },
  async chat(stream) {
    for await (const word of stream) stream.send(`${word}!`);
  },
};

/** What a test's listener logged, and where it listens. */
export interface TestListener extends Listener {
  readonly lines: Record<string, unknown>[];
}

/** A listener on a free port, closed with the scope. */
export async function startListener(
  scope: Scope,
  more: Partial<ListenerOptions> = {},
): Promise<TestListener> {
  const lines: Record<string, unknown>[] = [];
  const to = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  const folder = mkdtempSync(join(tmpdir(), "berth-rpc-"));
  scope.add("folder", () => rmSync(folder, { recursive: true, force: true }));
  const listener = await openListener({
    address: { host: "127.0.0.1", port: 0 },
    folder,
    log: createLogger({ to }),
    metrics: createMetrics({ ofProcess: false }),
    ...more,
  });
  scope.add("listener", () => listener.close());
  return { ...listener, lines };
}
