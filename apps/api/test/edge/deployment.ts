import { connect, openListener, type Listener } from "@berth/rpc";
import { agent, provisioner } from "@berth/contract";
import { createMetrics } from "@berth/telemetry";
import { newId, Scope, Secret } from "@berth/std";
import {
  recordedLog,
  temporaryFolder,
  testDatabase,
  type RecordedLog,
  type TestDatabase,
} from "@berth/testing";
import { openDatabase, type Database } from "@berth/database";
import {
  coordinationMigrations,
  PostgresHints,
  PostgresLeases,
  readSecrets,
  RotatedSigningKeys,
} from "@berth/coordination";
import { serveAgents } from "../../src/agents/index.ts";
import { serveDaemons } from "../../src/daemons/index.ts";
import type { EdgeContext } from "../../src/edge-context.ts";
import { serveFollowers } from "../../src/watch/index.ts";

export const PRE_SHARED_KEY = "a key that was shared before";
const migrations = [
  coordinationMigrations(),
  { schema: "api", folder: new URL("../../migrations/", import.meta.url) },
];

/** Replicas of the edges on one database. */
export interface Deployment extends AsyncDisposable {
  readonly database: Database;
  readonly databaseUrl: string;
  /** `through` replaces the database's URL: a proxy that may fail. */
  startReplica(through?: string): Promise<Replica>;
}

/** One replica: a real listener with everything that edges serve. */
export interface Replica extends AsyncDisposable {
  readonly edge: EdgeContext;
  readonly listener: Listener;
  readonly url: string;
  readonly log: RecordedLog;
  daemons(headers?: Record<string, string>): ReturnType<typeof daemonClient>;
  agents(token: string): ReturnType<typeof agentClient>;
  /** Ends as a drain does: streams are asked to move, followers are closed. */
  drain(): void;
}

const daemonClient = (target: string, headers: Record<string, string>) =>
  connect(provisioner.ProvisionerDaemonServiceService, { targets: [target], headers });
const agentClient = (target: string, token: string) =>
  connect(agent.AgentServiceService, { targets: [target], headers: { "coder-agent-token": token } });

export async function startDeployment(): Promise<Deployment> {
  const scope = new Scope();
  const own: TestDatabase = scope.use("database", await testDatabase({ migrations, maxConnections: 6 }));
  return {
    database: own.database,
    databaseUrl: own.url,
    startReplica: async (through = own.url) => scope.use("replica", await startReplica(through)),
    [Symbol.asyncDispose]: () => scope.close(),
  };
}

async function startReplica(databaseUrl: string): Promise<Replica> {
  const scope = new Scope();
  const log = recordedLog();
  const metrics = createMetrics();
  const folder = scope.use("folder", await temporaryFolder());
  const database = scope.use("pool", await openDatabase({ address: databaseUrl, maxConnections: 6, log }));
  const listener = scope.use(
    "listener",
    await openListener({ address: { host: "127.0.0.1", port: 0 }, folder: folder.path, log, metrics }),
  );
  const leaving = new AbortController();
  scope.add("signal", () => leaving.abort());
  const hints = scope.use("hints", new PostgresHints(database, log));
  const replicaId = newId<"replica">();
  const edge: EdgeContext = {
    database,
    hints,
    leases: new PostgresLeases({ database, hints, log, owner: replicaId }),
    secrets: await readSecrets(database.sql),
    signingKeys: await RotatedSigningKeys.open({ database, hints, log, signal: leaving.signal }),
    log,
    metrics,
    replicaId,
    signal: leaving.signal,
    accessUrl: "http://plane.example",
    relays: { derpMap: () => ({ Regions: {} }), forceWebSockets: false, blockDirect: false },
    preSharedKey: new Secret(PRE_SHARED_KEY),
  };
  const dispatching = serveDaemons(edge, listener);
  scope.add("dispatcher", async () => {
    leaving.abort();
    await dispatching;
  });
  serveAgents(edge, listener);
  const followers = serveFollowers(edge, listener, {
    admit: () => Promise.resolve({ userId: "", within: null }),
    readWorkspace: (id) => readAgents(database, id),
  });
  listener.http("/*", (request, response) => {
    if (!followers.answerEventStream(request, response)) response.writeHead(404).end();
  });
  const url = `http://127.0.0.1:${listener.port}`;
  return {
    edge,
    listener,
    url,
    log,
    daemons: (headers = { "coder-provisioner-daemon-psk": PRE_SHARED_KEY }) =>
      scope.use("client", daemonClient(url, headers)),
    agents: (token) => scope.use("client", agentClient(url, token)),
    drain: () => {
      listener.announceLeave();
      listener.askToMove();
      leaving.abort();
    },
    [Symbol.asyncDispose]: () => scope.close(),
  };
}

/** What a watch of a workspace shows here: its agents. */
async function readAgents(database: Database, workspaceId: string): Promise<unknown> {
  const agents = await database.sql`
    select name, lifecycle_state, first_connected_at is not null and disconnected_at is null as connected
    from api.workspace_agent where workspace_id = ${workspaceId} order by name`;
  return { id: workspaceId, agents: [...agents] };
}
