import type { Metrics } from "@berth/telemetry";

const BUCKETS = [1, 10, 30, 60, 300, 600, 1800, 3600];

/** What a daemon counts, by the names that dashboards know. */
export interface DaemonMetrics {
  jobStarted(): void;
  jobEnded(succeeded: boolean, seconds: number): void;
}

/** Makes the metrics of a daemon. */
export function daemonMetrics(metrics: Metrics): DaemonMetrics {
  const current = metrics.gauge("coderd_provisionerd_jobs_current", "Jobs that run now", ["provisioner"]);
  const timings = metrics.histogram(
    "coderd_provisionerd_job_timings_seconds",
    "How long jobs took",
    BUCKETS,
    ["provisioner", "status"],
  );
  const provisioner = "terraform";
  return {
    jobStarted: () => current.add(1, { provisioner }),
    jobEnded(succeeded, seconds) {
      current.add(-1, { provisioner });
      timings.observe(seconds, { provisioner, status: succeeded ? "success" : "failed" });
    },
  };
}
