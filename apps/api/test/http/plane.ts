import {
  coordinationMigrations,
  PostgresHints,
  PostgresLeases,
  readSecrets,
  RotatedSigningKeys,
} from "@berth/coordination";
import { type Environment, parse } from "@berth/config";
import { type Database, openDatabase } from "@berth/database";
import { openListener } from "@berth/rpc";
import { deferred, newId, Scope } from "@berth/std";
import { createMetrics } from "@berth/telemetry";
import { recordedLog, temporaryFolder, testDatabase } from "@berth/testing";
import { apiConfig } from "../../src/config.ts";
import { derpMapOf } from "../../src/deployment/derp-map.ts";
import { serveEdges } from "../../src/edges.ts";
import { serveHttp } from "../../src/http/serve.ts";
import { apiMigrations } from "../../src/migrations.ts";
import type { Plane } from "../../src/plane.ts";
import { expect } from "vitest";
import { Conformance } from "./conformance.ts";

/** An api on a database of its own, behind a real listener. */
export interface TestApi extends AsyncDisposable {
  readonly plane: Plane;
  readonly database: Database;
  readonly url: string;
  readonly databaseUrl: string;
  /** Ids of the routes that have answered as they declare. */
  readonly answered: ReadonlySet<string>;
  /** Another replica on the same database. */
  startReplica(
    env?: Environment,
    databaseUrl?: string,
  ): Promise<{ readonly url: string; readonly plane: Plane }>;
}

const ENVIRONMENT = { CODER_DANGEROUS_ALLOW_LOCAL_TEMPLATE: "false", CODER_API_RATE_LIMIT: "100000" };

export async function startApi(env: Environment = {}): Promise<TestApi> {
  const scope = new Scope();
  const migrations = [coordinationMigrations(), apiMigrations];
  const own = scope.use("database", await testDatabase({ migrations, maxConnections: 2 }));
  const conformance = new Conformance();
  const startReplica = (more: Environment = {}, databaseUrl = own.url) =>
    openPlane(scope, conformance, databaseUrl, { ...ENVIRONMENT, ...env, ...more });
  const { plane, url } = await startReplica();
  return {
    plane,
    database: own.database,
    url,
    databaseUrl: own.url,
    answered: conformance.answered,
    startReplica,
    async [Symbol.asyncDispose]() {
      await scope.close();
      expect(conformance.faults, "answers that are not what their routes declare").toEqual([]);
    },
  };
}

async function openPlane(parent: Scope, conformance: Conformance, databaseUrl: string, env: Environment) {
  const scope = parent.child("replica");
  const log = recordedLog();
  const metrics = createMetrics();
  const folder = scope.use("folder", await temporaryFolder());
  const database = scope.use("pool", await openDatabase({ address: databaseUrl, maxConnections: 8, log }));
  const address = { host: "127.0.0.1", port: 0 };
  const listener = scope.use("listener", await openListener({ address, folder: folder.path, log, metrics }));
  const url = `http://127.0.0.1:${listener.port}`;
  const variables = { CODER_PG_CONNECTION_URL: databaseUrl, CODER_ACCESS_URL: url, ...env };
  const [config] = parse([apiConfig], { env: variables }).values;
  const leaving = new AbortController();
  const hints = scope.use("hints", new PostgresHints(database, log));
  const process = { replicaId: newId<"replica">(), address: listener.address };
  const failed = deferred<never>();
  const plane: Plane = {
    config,
    database,
    hints,
    leases: new PostgresLeases({ database, hints, log, owner: process.replicaId }),
    secrets: await readSecrets(database.sql),
    signingKeys: await RotatedSigningKeys.open({ database, hints, log, signal: leaving.signal }),
    process,
    cluster: () => undefined,
    accessUrl: config.accessUrl ?? new URL(url),
    derpMap: derpMapOf(config, new URL(url)),
    mount: conformance.observe(listener),
    log,
    metrics,
    scope,
    signal: leaving.signal,
    onDrain: () => undefined,
  };
  scope.add("signal", () => leaving.abort());
  await serveHttp(plane, serveEdges(plane, failed.reject));
  return { plane, url };
}
