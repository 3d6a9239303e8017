import { expect, test } from "vitest";
import { createMetrics } from "./index.ts";

test("asking twice for a name answers the same metric", async () => {
  const metrics = createMetrics({ ofProcess: false });
  metrics.counter("berth_packets_total", "Packets", ["to"]).add(2, { to: "a" });
  metrics.counter("berth_packets_total", "Packets", ["to"]).add(undefined, { to: "a" });
  expect(await metrics.expose()).toContain('berth_packets_total{to="a"} 3');
});

test("a name that exists as another kind is refused", () => {
  const metrics = createMetrics({ ofProcess: false });
  metrics.counter("berth_x", "X");
  expect(() => metrics.gauge("berth_x", "X")).toThrow("metric berth_x: it exists as another kind");
});

test("gauges are brought up to date before they are read, and a failing refresh breaks nothing", async () => {
  const metrics = createMetrics({ ofProcess: false });
  const depth = metrics.gauge("berth_depth", "Depth", ["tags"]);
  using _broken = metrics.onExpose(() => Promise.reject(new Error("database away")));
  {
    using _refresh = metrics.onExpose(() => depth.set(4, { tags: "a" }));
    expect(await metrics.expose()).toContain('berth_depth{tags="a"} 4');
  }
  depth.remove({ tags: "a" });
  expect(await metrics.expose()).not.toContain("tags=");
});

test("a histogram counts into its buckets", async () => {
  const metrics = createMetrics({ ofProcess: false });
  metrics.histogram("berth_wait_seconds", "Wait", [0.1, 1]).observe(0.5);
  expect(await metrics.expose()).toContain('berth_wait_seconds_bucket{le="1"} 1');
});

test("what ends in _total is a counter, of the process's own metrics too", async () => {
  const types = (await createMetrics().expose()).matchAll(/^# TYPE (\S+_total) (\w+)$/gm);
  expect([...types].filter(([, , type]) => type !== "counter").map(([, name]) => name)).toEqual([]);
});
