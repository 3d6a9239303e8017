import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import fc from "fast-check";
import type { Database } from "@berth/database";
import { accept, claim, takeBack, type Claim, type Domain, type Holder } from "../src/jobs/claim.ts";
import { cancel } from "../src/jobs/cancel.ts";
import { closeJob } from "../src/jobs/close.ts";
import { expireLease } from "../src/jobs/expire.ts";
import { attach, lockHeld, renew, type Attachment } from "../src/jobs/lease.ts";
import { startDeployment, type Deployment, type Replica } from "./edge/deployment.ts";
import { makeWorld, postImport, type World } from "./edge/world.ts";

let deployment: Deployment;
let replica: Replica;
let world: World;

beforeAll(async () => {
  deployment = await startDeployment();
  replica = await deployment.startReplica();
  world = await makeWorld(deployment.database, replica.edge.hints);
});
afterAll(() => deployment[Symbol.asyncDispose]());

/** What a job must be, whatever was done to it and in which order. */
type Model =
  | { state: "waiting" }
  | { state: "delivered"; epoch: number; lapsed: boolean }
  | { state: "running"; epoch: number; subEpoch: number; begun: boolean }
  | { state: "done" };

interface Job {
  readonly id: string;
  model: Model;
  attempts: number;
}

type Held = Claim & { readonly holder: Holder };

/** One run: jobs of a tag set of their own, every claim and attachment ever given, stale ones included. */
class Run {
  readonly jobs: Job[] = [];
  readonly claims: Held[] = [];
  readonly attachments: Attachment[] = [];
  readonly domain: Domain;
  readonly #database: Database;
  readonly #hints = replica.edge.hints;

  constructor(database: Database) {
    this.#database = database;
    this.domain = {
      organizationId: world.organizationId,
      provisioners: ["terraform"],
      tags: { run: randomUUID() },
      machineId: "",
    };
  }

  async post(): Promise<void> {
    const { jobId } = await postImport(this.#database, this.#hints, world, this.domain.tags);
    this.jobs.push({ id: jobId, model: { state: "waiting" }, attempts: 0 });
  }

  async claim(): Promise<void> {
    const holder = { daemonId: randomUUID(), incarnation: randomUUID() };
    const got = await claim(this.#database.sql, this.domain, holder);
    const due = this.jobs.find(
      ({ model }) => model.state === "waiting" || (model.state === "delivered" && model.lapsed),
    );
    expect(got?.jobId).toBe(due?.id);
    if (got === undefined || due === undefined) return;
    for (const other of this.claims)
      if (other.jobId === got.jobId) expect(got.epoch).toBeGreaterThan(other.epoch);
    expect(got.attempt).toBe(due.attempts + 1);
    due.model = { state: "delivered", epoch: got.epoch, lapsed: false };
    this.claims.push({ ...got, holder });
  }

  /** The delivery's, or the lease's, time runs out. */
  async lapse({ jobId }: Held): Promise<void> {
    const past = this.#database.sql`now() - interval '1 second'`;
    await this.#database.sql`
      update api.job set delivered_until = case when delivered_until is null then null else ${past} end,
        lease_until = case when lease_until is null then null else ${past} end where id = ${jobId}`;
    const { model } = this.#job(jobId);
    if (model.state === "delivered") model.lapsed = true;
  }

  async accept(held: Held): Promise<void> {
    const got = await this.#database.transaction((sql) => accept(sql, this.#hints, held.jobId, held.epoch));
    const job = this.#job(held.jobId);
    const current = "epoch" in job.model && job.model.epoch === held.epoch;
    expect(got).toBe(current);
    if (current) this.#accepted(job, held.epoch);
  }

  async takeBack(held: Held): Promise<void> {
    const got = await takeBack(this.#database.sql, this.#hints, held);
    const job = this.#job(held.jobId);
    const taken = job.model.state === "delivered" && job.model.epoch === held.epoch;
    expect(got).toBe(taken);
    if (taken) job.model = { state: "waiting" };
  }

  async attach(held: Held): Promise<void> {
    const got = await this.#database.transaction((sql) =>
      attach(sql, this.#hints, held.jobId, held.epoch, held.holder),
    );
    const job = this.#job(held.jobId);
    if (job.model.state === "done") return; // its last holder may attach to learn that it is done
    const current = "epoch" in job.model && job.model.epoch === held.epoch;
    expect(got !== undefined).toBe(current);
    if (got === undefined) return;
    this.#accepted(job, held.epoch);
    if (job.model.state !== "running") throw new Error("attached to a job that does not run");
    expect(got.subEpoch).toBe(job.model.subEpoch + 1);
    job.model.subEpoch = got.subEpoch;
    this.attachments.push(got);
  }

  async renew(attachment: Attachment): Promise<void> {
    expect(await renew(this.#database.sql, attachment)).toBe(this.#isCurrent(attachment));
  }

  async beginApply(attachment: Attachment): Promise<void> {
    const current = this.#isCurrent(attachment);
    await this.#database.transaction(async (sql) => {
      const held = await lockHeld(sql, attachment);
      expect(held !== undefined && !held.completed).toBe(current);
      if (current) await sql`update api.job set begun_apply_at = now() where id = ${attachment.jobId}`;
    });
    const { model } = this.#job(attachment.jobId);
    if (current && model.state === "running") model.begun = true;
  }

  async complete(attachment: Attachment): Promise<void> {
    const current = this.#isCurrent(attachment);
    await this.#database.transaction(async (sql) => {
      const held = await lockHeld(sql, attachment);
      expect(held !== undefined && !held.completed).toBe(current);
      if (current) await closeJob(sql, this.#hints, attachment.jobId);
    });
    if (current) this.#job(attachment.jobId).model = { state: "done" };
  }

  /** The reaper's verdict, after the lease ran out, on what it saw just now or on what it saw before. */
  async expire(held: Held, stale: boolean): Promise<void> {
    if (this.#job(held.jobId).model.state === "running") await this.lapse(held);
    const [seen] = await this.#database.sql<{ epoch: number; renewals: number; lapsed: boolean }[]>`
      select epoch::float8 as epoch, renewals::float8 as renewals, coalesce(lease_until < now(), false) as lapsed
      from api.job where id = ${held.jobId}`;
    const judged = { jobId: held.jobId, epoch: seen!.epoch, renewals: seen!.renewals - (stale ? 1 : 0) };
    const got = await this.#database.transaction((sql) => expireLease(sql, this.#hints, judged));
    const job = this.#job(held.jobId);
    if (job.model.state !== "running" || stale || !seen!.lapsed) return expect(got).toBe("untouched");
    const again = !job.model.begun && job.attempts < 2;
    const [row] = await this.#database.sql`select canceled_at from api.job where id = ${held.jobId}`;
    const canceled = !job.model.begun && row!["canceled_at"] !== null;
    expect(got).toBe(again && !canceled ? "queued_again" : "failed");
    job.model = got === "queued_again" ? { state: "waiting" } : { state: "done" };
  }

  async cancel({ jobId }: Held): Promise<void> {
    const got = await this.#database.transaction((sql) => cancel(sql, this.#hints, jobId));
    const job = this.#job(jobId);
    if (job.model.state === "done") return expect(got).toBe("already_done");
    if (job.model.state === "running") return expect(["canceling", "already_canceling"]).toContain(got);
    expect(got).toBe("canceled");
    job.model = { state: "done" };
  }

  async check(): Promise<void> {
    const rows = await this.#database.sql<
      { id: string; done: boolean; accepted: boolean; attempt: number }[]
    >`
      select id, completed_at is not null as done, accepted_at is not null as accepted, attempt from api.job
      where id = any(${this.jobs.map(({ id }) => id)}::uuid[])`;
    for (const row of rows) {
      const job = this.#job(row.id);
      expect(row.done).toBe(job.model.state === "done");
      if (!row.done) expect(row.accepted).toBe(job.model.state === "running");
      expect(row.attempt).toBe(job.attempts);
      expect(row.attempt).toBeLessThanOrEqual(2);
    }
  }

  #job(id: string): Job {
    return this.jobs.find((job) => job.id === id)!;
  }

  #isCurrent({ jobId, epoch, subEpoch }: Attachment): boolean {
    const { model } = this.#job(jobId);
    return model.state === "running" && model.epoch === epoch && model.subEpoch === subEpoch;
  }

  #accepted(job: Job, epoch: number): void {
    if (job.model.state !== "delivered") return;
    job.model = { state: "running", epoch, subEpoch: 0, begun: false };
    job.attempts += 1;
  }
}

const STEPS = [
  "post",
  "claim",
  "hold",
  "lapse",
  "accept",
  "takeBack",
  "attach",
  "renew",
  "beginApply",
  "complete",
  "expire",
  "expireStale",
  "cancel",
] as const;

async function take(run: Run, step: (typeof STEPS)[number], pick: number): Promise<void> {
  const held = run.claims.at(-1 - (pick % Math.max(1, run.claims.length)));
  const attachment = run.attachments.at(-1 - (pick % Math.max(1, run.attachments.length)));
  if (step === "post") return run.post();
  if (step === "claim") return run.claim();
  if (step === "hold") {
    await run.claim();
    const newest = run.claims.at(-1);
    return newest && run.attach(newest);
  }
  if (step === "renew" || step === "beginApply" || step === "complete")
    return attachment && run[step](attachment);
  if (held === undefined) return;
  if (step === "expire" || step === "expireStale") return run.expire(held, step === "expireStale");
  return run[step](held);
}

test("whatever daemons, deliveries and reapers do, a job has one holder, two attempts and one end", async () => {
  const weighted = fc.oneof(
    { arbitrary: fc.constantFrom(...STEPS), weight: 2 },
    { arbitrary: fc.constantFrom("hold" as const, "expire" as const), weight: 1 },
  );
  const steps = fc.array(fc.tuple(weighted, fc.nat({ max: 3 })), { minLength: 10, maxLength: 80 });
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const run = new Run(deployment.database);
      await run.post();
      for (const [step, pick] of taken) {
        await take(run, step, pick);
        await run.check();
      }
    }),
    { numRuns: 60 },
  );
});
