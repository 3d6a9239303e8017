import { afterAll, beforeAll } from "vitest";
import { eventually } from "./eventually.ts";

/** Handles that a test must not leave behind; the runner's own are subtracted. */
const WATCHED = ["TCPSocketWrap", "TCPServerWrap", "PipeWrap", "PipeServerWrap", "ProcessWrap", "UDPWrap"];

/** To be called at the top of a test file: fails it when sockets, servers or processes are left open at its end. */
export function expectNoLeaks(): void {
  let before: ReadonlyMap<string, number> = new Map();
  beforeAll(() => {
    before = countHandles();
  });
  afterAll(() =>
    eventually(() => {
      const left = [...countHandles()].filter(([kind, count]) => count > (before.get(kind) ?? 0));
      if (left.length > 0)
        throw new Error(`left open: ${left.map(([kind, count]) => `${count} ${kind}`).join(", ")}`);
    }),
  );
}

function countHandles(): ReadonlyMap<string, number> {
  const open = process.getActiveResourcesInfo();
  return new Map(WATCHED.map((kind) => [kind, open.filter((one) => one === kind).length]));
}
