import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  migrate,
  openDatabase,
  sqlStateOf,
  type Database,
  type Migrations,
  type OpenDatabase,
  type Sql,
} from "@berth/database";
import { eventually } from "./eventually.ts";
import { recordedLog } from "./recorded-log.ts";
import { runPostgresUrl } from "./run-postgres.ts";

/** A database of a test file's own, gone with it. */
export interface TestDatabase extends AsyncDisposable {
  /** For programs: CODER_PG_CONNECTION_URL. */
  readonly url: string;
  readonly database: Database;
}

/** What the database is to hold. */
export interface TestDatabaseOptions {
  /** Migrated once per run into a template, which is then cloned. */
  readonly migrations?: readonly Migrations[];
  readonly maxConnections?: number;
}

/** A fresh database on the run's Postgres, migrated. */
export async function testDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { migrations = [], maxConnections = 10 } = options;
  const server = await runPostgresUrl();
  const name = `test_${randomBytes(8).toString("hex")}`;
  await asAdmin(server, async (sql) => {
    const template = await templateOf(server, sql, migrations);
    await create(sql, name, template);
  });
  const url = databaseUrl(server, name);
  const database = await open(url, maxConnections);
  return {
    url,
    database,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await asAdmin(server, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
    },
  };
}

function open(url: string, maxConnections = 4): Promise<OpenDatabase> {
  return openDatabase({ address: url, maxConnections, log: recordedLog(), applicationName: "berth test" });
}

async function asAdmin<T>(server: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  await using database = await open(server);
  return await database.patiently(work);
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** The template that holds exactly these migrations, made by whoever needs it first. */
async function templateOf(server: string, sql: Sql, migrations: readonly Migrations[]): Promise<string> {
  if (migrations.length === 0) return "template0";
  const name = `template_${await fingerprint(migrations)}`;
  await sql`select pg_advisory_lock(hashtextextended(${name}, 0))`; // until the connection ends
  const [found] = await sql`select 1 from pg_database where datname = ${name}`;
  if (found !== undefined) return name;
  const draft = `draft_${randomBytes(8).toString("hex")}`;
  await create(sql, draft, "template0");
  await fill(databaseUrl(server, draft), migrations);
  await eventually(() => sql`alter database ${sql(draft)} rename to ${sql(name)}`);
  return name;
}

async function fill(url: string, migrations: readonly Migrations[]): Promise<void> {
  await using database = await open(url);
  for (const one of migrations) await migrate(database, one);
}

/** A template cannot be cloned while a session, such as one that is just ending, is in it. */
async function create(sql: Sql, name: string, template: string): Promise<void> {
  await eventually(async () => {
    try {
      await sql`create database ${sql(name)} template ${sql(template)}`;
    } catch (error) {
      if (sqlStateOf(error) !== "42P04") throw error; // made at an earlier try
    }
  });
}

async function fingerprint(migrations: readonly Migrations[]): Promise<string> {
  const hash = createHash("sha256");
  for (const { schema, folder } of migrations) {
    const path = typeof folder === "string" ? folder : fileURLToPath(folder);
    for (const file of (await readdir(path)).toSorted())
      hash.update(`${schema}/${file}\0`).update(await readFile(join(path, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
