import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Backoff, CodedError, sleep } from "@berth/std";
import type { Logger } from "@berth/telemetry";
import type { Database, Sql, TransactionSql } from "./database.ts";
import { sqlStateOf } from "./database-error.ts";

// M1  Forward only; each migration in a transaction of its own, its number written in the same one.
// M2  Replicas that race are expected: an advisory lock of the transaction lets one through, the next finds it done.
// M3  lock_timeout bounds what a migration makes others wait for; it is tried again.
// M4  A database that knows a contract migration which we do not is from a later release: we must not touch it.

/** The migrations of one schema. */
export interface Migrations {
  /** The Postgres schema, named after its service; made when it is missing. */
  readonly schema: string;
  /** Holds `NNNN-name.(expand|contract).sql`: a path, or a file URL made with import.meta. */
  readonly folder: string | URL;
}

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly kind: "expand" | "contract";
  readonly sql: string;
}

const NAME = /^(\d{4})-([a-z0-9-]+)\.(expand|contract)\.sql$/;
const ATTEMPTS = 60;

/**
 * Brings the schema up to date. Any number of replicas may do so at once.
 * @throws CodedError when the database is from a later release.
 */
export async function migrate(database: Database, migrations: Migrations, log?: Logger): Promise<void> {
  const { schema } = migrations;
  if (!/^[a-z_]+$/.test(schema)) throw new Error(`migrating: ${schema} is no name of a schema`);
  const known = await readMigrations(migrations.folder);
  await database.patiently(async (sql) => {
    await attempt(sql, (tx) => prepare(tx, schema));
    await assertKnown(sql, schema, known, log);
    for (const migration of known) {
      const ran = await attempt(sql, (tx) => apply(tx, schema, migration));
      if (ran) log?.info("migrated", { schema, migration: migration.name });
    }
  });
}

async function readMigrations(folder: string | URL): Promise<readonly Migration[]> {
  const path = typeof folder === "string" ? folder : fileURLToPath(folder);
  const files = (await readdir(path)).filter((file) => file.endsWith(".sql")).toSorted();
  const found = await Promise.all(files.map((file) => readMigration(path, file)));
  found.forEach(({ number, name }, index) => {
    if (number !== index + 1)
      throw new Error(`reading migrations: ${name} should have the number ${index + 1}`);
  });
  return found;
}

async function readMigration(folder: string, file: string): Promise<Migration> {
  const [, number, , kind] = NAME.exec(file) ?? [];
  if (number === undefined || (kind !== "expand" && kind !== "contract"))
    throw new Error(`reading migrations: ${file} is not NNNN-name.(expand|contract).sql`);
  const sql = await readFile(join(folder, file), "utf8");
  return { number: Number(number), name: file.replace(/\.sql$/, ""), kind, sql };
}

async function prepare(tx: TransactionSql, schema: string): Promise<void> {
  const [found] = await tx`select to_regclass(${`${schema}.migration`}) is not null as there`;
  if (found?.["there"] === true) return;
  await tx`create schema if not exists ${tx(schema)}`;
  await tx`create table if not exists ${tx(schema)}.migration (
    number integer primary key,
    name text not null,
    kind text not null,
    applied_at timestamptz not null default now()
  )`;
}

/** M4 */
async function assertKnown(
  sql: Sql,
  schema: string,
  known: readonly Migration[],
  log: Logger | undefined,
): Promise<void> {
  const rows = await sql<{ name: string; kind: string }[]>`
    select name, kind from ${sql(schema)}.migration order by number`;
  const unknown = rows.filter((row) => !known.some(({ name }) => name === row.name));
  const contract = unknown.find(({ kind }) => kind === "contract");
  if (contract !== undefined)
    throw new CodedError(
      "failed_precondition",
      `the database was changed by a later release (${schema}: ${contract.name}), which this one does not understand: start that release, or restore a backup from before it`,
    );
  for (const { name } of unknown)
    log?.warn("the database has a migration of a later release", { schema, migration: name });
}

/** M1: answers whether it ran here. */
async function apply(tx: TransactionSql, schema: string, migration: Migration): Promise<boolean> {
  const { number, name, kind } = migration;
  const [done] = await tx<
    { name: string }[]
  >`select name from ${tx(schema)}.migration where number = ${number}`;
  if (done?.name === name) return false;
  if (done !== undefined)
    throw new CodedError(
      "failed_precondition",
      `${schema}: the database has ${done.name} where this program has ${name}: it was changed by a release of another line`,
    );
  await tx.unsafe(migration.sql);
  await tx`insert into ${tx(schema)}.migration (number, name, kind) values (${number}, ${name}, ${kind})`;
  return true;
}

/** M2, M3: the lock is one for all schemas, because `create schema` and extensions race as well. */
async function attempt<T>(sql: Sql, work: (tx: TransactionSql) => Promise<T>): Promise<T> {
  const backoff = new Backoff({ firstMs: 100, maxMs: 2_000 });
  for (let turn = 1; ; turn += 1) {
    const results: T[] = [];
    try {
      await sql.begin(async (tx) => {
        await tx`set local lock_timeout = '5s'`;
        await tx`select pg_advisory_xact_lock(${LOCK})`;
        results.push(await work(tx));
      });
      return results[0] as T; // pushed, or begin would have thrown
    } catch (error) {
      const retried = ["55P03", "40P01", "40001"].includes(sqlStateOf(error) ?? "");
      if (!retried || turn === ATTEMPTS) throw error;
    }
    await sleep(backoff.nextMs());
  }
}

/** "berth" in ASCII. */
const LOCK = 0x62_65_72_74_68n;
