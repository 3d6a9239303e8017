import type { FastifyInstance } from "fastify";
import type { Metrics } from "@berth/telemetry";

const BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10, 30];

/** Counts and times every request under the names that dashboards know; the path is the route's, never the client's. */
export function measure(app: FastifyInstance, metrics: Metrics): void {
  const labels = ["method", "path"];
  const processed = metrics.counter("coderd_api_requests_processed_total", "Requests answered", [
    "code",
    ...labels,
  ]);
  const latencies = metrics.histogram(
    "coderd_api_request_latencies_seconds",
    "Time to answer",
    BUCKETS,
    labels,
  );
  const concurrent = metrics.gauge("coderd_api_concurrent_requests", "Requests being answered", labels);
  const labelsOf = ({
    method,
    routeOptions,
  }: {
    method: string;
    routeOptions: { url?: string | undefined };
  }) => ({
    method,
    path: routeOptions.url ?? "",
  });
  app.addHook("onRequest", (request, _, done) => {
    concurrent.add(1, labelsOf(request));
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const at = labelsOf(request);
    concurrent.add(-1, at);
    processed.add(1, { ...at, code: String(reply.statusCode) });
    latencies.observe(reply.elapsedTime / 1000, at);
    done();
  });
}
