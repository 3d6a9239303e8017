import { Counter, Gauge, Histogram, type Metric, Registry, collectDefaultMetrics } from "prom-client";
import type { Metrics } from "./types.ts";

/** Gauges named as counters are, which linters of metrics refuse; each is the sum of one beside it that has labels. */
const MISNAMED = ["handles", "requests", "resources"].map((what) => `nodejs_active_${what}_total`);

/** Metrics of their own registry, with those of the process (CPU, memory, event loop) unless left out. */
export function createMetrics({ ofProcess = true }: { ofProcess?: boolean } = {}): Metrics {
  const registry = new Registry();
  const refreshers = new Set<() => void | Promise<void>>();
  if (ofProcess) {
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
  }
  const once = makeOnce(registry);
  return {
    counter(name, help, labelNames = []) {
      const metric = once(
        name,
        Counter,
        () => new Counter({ name, help, labelNames, registers: [registry] }),
      );
      return { add: (amount = 1, labels = {}) => metric.inc(labels, amount) };
    },
    gauge(name, help, labelNames = []) {
      const metric = once(name, Gauge, () => new Gauge({ name, help, labelNames, registers: [registry] }));
      return {
        set: (value, labels = {}) => metric.set(labels, value),
        add: (amount, labels = {}) => metric.inc(labels, amount),
        remove: (labels) => metric.remove(labels),
      };
    },
    histogram(name, help, buckets, labelNames = []) {
      const made = () =>
        new Histogram({ name, help, buckets: [...buckets], labelNames, registers: [registry] });
      const metric = once(name, Histogram, made);
      return { observe: (value, labels = {}) => metric.observe(labels, value) };
    },
    onExpose(refresh) {
      refreshers.add(refresh);
      return { [Symbol.dispose]: () => void refreshers.delete(refresh) };
    },
    async expose() {
      await Promise.allSettled([...refreshers].map(async (refresh) => refresh())); // one that fails leaves its last values
      return registry.metrics();
    },
  };
}

/** The metric of that name if there is one, else a new one. */
function makeOnce(registry: Registry) {
  return function once<M extends Metric>(
    name: string,
    kind: abstract new (...options: never[]) => M,
    make: () => M,
  ): M {
    const known = registry.getSingleMetric(name);
    if (known === undefined) return make();
    if (known instanceof kind) return known;
    throw new Error(`metric ${name}: it exists as another kind`);
  };
}
