import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Environment, section } from "@berth/config";
import { startLocalPostgres } from "@berth/local-postgres";
import { type Preparation, processConfig } from "@berth/runtime";
import type { Scope } from "@berth/std";

const postgresConfig = section({ dataFolder: processConfig.fields.dataFolder });

/** Whether the environment names a Postgres; else one of our own is started. */
export function namesPostgres(env: Environment): boolean {
  return ["CODER_PG_CONNECTION_URL", "CODER_PG_CONNECTION_URL_FILE", "DB_HOST"].some(
    (name) => (env[name] ?? "") !== "",
  );
}

/** Connections that the embedded server takes: one node's pool, its listener, and a few people with psql. */
const MAX_CONNECTIONS = 100;

/** An embedded Postgres, there before any service and gone after all of them. */
export const embeddedPostgres: Preparation<{ readonly dataFolder: string }> = {
  name: "embedded postgres",
  config: postgresConfig,
  standIns: {
    CODER_PG_CONNECTION_URL: "postgres://berth@127.0.0.1:5432/postgres",
    CODER_EMBEDDED_POSTGRES: "true",
  },
  async start({ config, log, scope, fail }) {
    const postgres = await startLocalPostgres({ folder: config.dataFolder, maxConnections: MAX_CONNECTIONS });
    scope.add("embedded postgres", () => postgres.stop());
    postgres.failed.catch(fail);
    await tellDevelopers(join(config.dataFolder, "server.json"), postgres.url, scope);
    log.info("embedded Postgres is ready", { pid: postgres.pid, folder: config.dataFolder });
    return { CODER_PG_CONNECTION_URL: postgres.url, CODER_EMBEDDED_POSTGRES: "true" };
  },
};

/** Lets `npm run dev <service>` join this server: its Postgres, readable by its owner alone, for as long as it runs. */
async function tellDevelopers(file: string, postgresUrl: string, scope: Scope): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify({ pid: process.pid, postgresUrl }), { mode: 0o600 });
  await rename(`${file}.new`, file);
  scope.add("server.json", () => rm(file, { force: true }));
}
