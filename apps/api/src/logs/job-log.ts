import type { Queryable, TransactionSql } from "@berth/database";
import type { LogLevel, ProvisionerJobLog } from "@berth/http-api";

type JobLogSource = ProvisionerJobLog["log_source"];

/** A line as a daemon sent it, or as the control plane adds it (sequence 0). */
export interface JobLogLine {
  /** Rises by one per line of the attempt: it removes duplicates and nothing else. */
  readonly sequence: number;
  readonly createdAt: Date;
  readonly source: JobLogSource;
  readonly level: LogLevel;
  readonly stage: string;
  readonly output: string;
}

/** What one job may write; the rest is dropped and the job says `logs_overflowed`. */
export const JOB_LOG_BYTES = 4 << 20;

/**
 * Appends lines to a job whose row the caller has locked, in the order given; lines already there are left out. Ids are given
 * under that lock, so that they become visible in their order.
 */
export async function appendJobLog(
  sql: TransactionSql,
  jobId: string,
  attempt: number,
  lines: readonly JobLogLine[],
): Promise<void> {
  const fresh = await withoutDuplicates(sql, jobId, attempt, lines);
  const [job] = await sql<{ last: number; bytes: number }[]>`
    select last_log_id::float8 as last, log_bytes::float8 as bytes from api.job where id = ${jobId}`;
  if (job === undefined || fresh.length === 0) return;
  const kept = withinBytes(fresh, JOB_LOG_BYTES - job.bytes);
  if (kept.length > 0)
    await sql`insert into api.job_log ${sql(kept.map((line, at) => rowOf(line, jobId, attempt, job.last + 1 + at)))}`;
  await sql`
    update api.job set last_log_id = ${job.last + kept.length}, updated_at = now(),
      log_bytes = ${job.bytes + kept.reduce((sum, line) => sum + bytesOf(line), 0)},
      logs_overflowed = logs_overflowed or ${kept.length < fresh.length}
    where id = ${jobId}`;
}

/** A line of the control plane's own: never dropped as a duplicate. */
export function controlLine(output: string, level: LogLevel = "info", stage = "Control plane"): JobLogLine {
  return { sequence: 0, createdAt: new Date(), source: "provisioner_daemon", level, stage, output };
}

async function withoutDuplicates(
  sql: TransactionSql,
  jobId: string,
  attempt: number,
  lines: readonly JobLogLine[],
): Promise<readonly JobLogLine[]> {
  const numbered = lines.filter((line) => line.sequence > 0).map((line) => line.sequence);
  if (numbered.length === 0) return lines;
  const rows = await sql<{ source: JobLogSource; sequence: number }[]>`
    select source, sequence::float8 as sequence from api.job_log
    where job_id = ${jobId} and attempt = ${attempt} and sequence = any(${numbered}::bigint[])`;
  const known = new Set(rows.map((row) => `${row.source} ${row.sequence}`));
  return lines.filter((line) => {
    const key = `${line.source} ${line.sequence}`;
    if (line.sequence > 0 && known.has(key)) return false;
    known.add(key);
    return true;
  });
}

function withinBytes(lines: readonly JobLogLine[], budget: number): readonly JobLogLine[] {
  let left = budget;
  return lines.filter((line) => {
    left -= bytesOf(line);
    return line.sequence === 0 || left >= 0;
  });
}

function bytesOf(line: JobLogLine): number {
  return Buffer.byteLength(line.output) + Buffer.byteLength(line.stage);
}

function rowOf(line: JobLogLine, jobId: string, attempt: number, id: number) {
  return {
    job_id: jobId,
    id,
    attempt,
    sequence: line.sequence,
    created_at: line.createdAt,
    source: line.source,
    level: line.level,
    stage: storable(line.stage),
    output: storable(line.output),
  };
}

/** Postgres' text holds every character but NUL, which terminals ignore. */
export function storable(text: string): string {
  return text.replaceAll("\0", "");
}

/** Lines of a job with `after < id < before`, in their order. */
export async function readJobLog(
  sql: Queryable,
  jobId: string,
  range: { readonly after?: number; readonly before?: number; readonly limit?: number } = {},
): Promise<ProvisionerJobLog[]> {
  const rows = await sql<(Omit<ProvisionerJobLog, "created_at"> & { created_at: Date })[]>`
    select id::float8 as id, created_at, source as log_source, level as log_level, stage, output from api.job_log
    where job_id = ${jobId} and id > ${range.after ?? 0} and id < ${range.before ?? Number.MAX_SAFE_INTEGER}
    order by id limit ${range.limit ?? null}`;
  return rows.map((row) => ({ ...row, created_at: row.created_at.toISOString() }));
}
