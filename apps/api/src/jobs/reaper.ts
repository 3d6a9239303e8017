import { messageOf, sleep } from "@berth/std";
import type { Hints, Lease, Leases } from "@berth/coordination";
import type { Sql } from "@berth/database";
import type { Logger } from "@berth/telemetry";
import { expireLease, type SeenLease } from "./expire.ts";
import { LEASE_MS } from "./periods.ts";

// Expires leases that stood still, under one leader.
//   E1  A lease expires only after this observer saw its counter unchanged for a whole lease of its own monotonic clock.
//   E2  During all of that the database answered this observer: a gap longer than GAP_MS begins every watch anew.
//   E3  The verdict is written only if epoch and counter are still what was watched, by a leader that still leads.

const TICK_MS = 2_000;
const GAP_MS = 5_000;

/** What the reaper has watched so far: pure, so that a model can be held against it. */
export class LeaseWatch {
  readonly #watched = new Map<string, SeenLease & { readonly since: number }>();
  readonly #leaseMs: number;
  readonly #gapMs: number;
  #answeredAt: number | undefined;

  constructor(leaseMs = LEASE_MS, gapMs = GAP_MS) {
    this.#leaseMs = leaseMs;
    this.#gapMs = gapMs;
  }

  /** Takes the running leases as just read, at a monotonic time in milliseconds; answers those that stood still. */
  observe(leases: readonly SeenLease[], nowMs: number): readonly SeenLease[] {
    if (this.#answeredAt === undefined || nowMs - this.#answeredAt > this.#gapMs) this.#watched.clear(); // E2
    this.#answeredAt = nowMs;
    const running = new Set(leases.map((lease) => lease.jobId));
    for (const jobId of this.#watched.keys()) if (!running.has(jobId)) this.#watched.delete(jobId);
    return leases.filter((lease) => this.#stoodStill(lease, nowMs));
  }

  #stoodStill(lease: SeenLease, nowMs: number): boolean {
    const before = this.#watched.get(lease.jobId);
    if (before?.epoch !== lease.epoch || before.renewals !== lease.renewals) {
      this.#watched.set(lease.jobId, { ...lease, since: nowMs });
      return false;
    }
    return nowMs - before.since >= this.#leaseMs; // E1
  }
}

/** What the reaper needs of its surroundings; the periods are shorter in tests. */
export interface ReaperContext {
  readonly sql: Sql;
  readonly hints: Hints;
  readonly leases: Leases;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly leaseMs?: number;
  readonly tickMs?: number;
}

/** Keeps one reaper at work in the deployment until the signal is aborted. */
export function reapLeases(context: ReaperContext): Promise<void> {
  return context.leases.lead("leader/job-reaper", context.signal, (lease) => reap(context, lease));
}

async function reap(context: ReaperContext, leader: Lease): Promise<void> {
  const tickMs = context.tickMs ?? TICK_MS;
  const watch = new LeaseWatch(context.leaseMs, Math.max(GAP_MS, 2 * tickMs));
  while (!leader.signal.aborted) {
    try {
      for (const still of watch.observe(await runningLeases(context.sql), performance.now()))
        await expire(context, leader, still);
    } catch (error) {
      context.log.warn("job leases could not be watched", { reason: messageOf(error) });
    }
    await sleep(tickMs, leader.signal);
  }
}

async function runningLeases(sql: Sql): Promise<readonly SeenLease[]> {
  return sql<(SeenLease & Record<string, unknown>)[]>`
    select id as "jobId", epoch::float8 as epoch, renewals::float8 as renewals from api.job
    where accepted_at is not null and completed_at is null`;
}

async function expire({ hints, log }: ReaperContext, leader: Lease, still: SeenLease): Promise<void> {
  const outcome = await leader.guard((sql) => expireLease(sql, hints, still)); // E3
  if (outcome !== "untouched")
    log.warn("a job lost its daemon", { job: still.jobId, epoch: still.epoch, outcome });
}
