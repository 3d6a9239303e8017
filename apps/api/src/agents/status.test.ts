import { expect, test } from "vitest";
import { agentStatus, SILENT_AGENT_MS } from "./status.ts";

const start = new Date("2026-01-01T00:00:00Z");
const later = (ms: number) => new Date(start.getTime() + ms);
const fresh = {
  created_at: start,
  first_connected_at: null,
  last_connected_at: null,
  disconnected_at: null,
  connection_timeout_seconds: 120,
};

test("an agent that never came is connecting until its time is over", () => {
  expect(agentStatus(fresh, later(119_000))).toBe("connecting");
  expect(agentStatus(fresh, later(121_000))).toBe("timeout");
  expect(agentStatus({ ...fresh, connection_timeout_seconds: 0 }, later(9e9))).toBe("connecting");
});

test("an agent that was heard of is connected until it was silent for too long", () => {
  const connected = { ...fresh, first_connected_at: start, last_connected_at: start };
  expect(agentStatus(connected, later(SILENT_AGENT_MS))).toBe("connected");
  expect(agentStatus(connected, later(SILENT_AGENT_MS + 1))).toBe("disconnected");
});

test("an agent whose stream ended for good is disconnected at once", () => {
  const gone = { ...fresh, first_connected_at: start, last_connected_at: start, disconnected_at: later(1) };
  expect(agentStatus(gone, later(2))).toBe("disconnected");
});
