import { fileURLToPath } from "node:url";
import { registry } from "@berth/contract";
import { readSecrets } from "@berth/coordination";
import { connect } from "@berth/rpc";
import {
  eventually,
  FaultyProxy,
  spawnProgram,
  temporaryFolder,
  testDatabase,
  type Program,
  type TestDatabase,
} from "@berth/testing";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** A replica: a real process with a registry in it. */
export interface Replica {
  readonly program: Program;
  readonly address: string;
  readonly id: string;
  /** Hosts of whom this registry lists, with their states. */
  list(): Promise<readonly registry.Replica[]>;
}

/** Registers what is undone when the test ends, as vitest's test context does. */
export interface TestContext {
  onTestFinished(undo: () => unknown): void;
}

/** A deployment of real processes on one database; everything ends with the test. */
export class Cluster {
  readonly #context: TestContext;
  readonly #database: TestDatabase;
  readonly #proxy: FaultyProxy;
  #recording: Promise<void> | undefined;

  private constructor(context: TestContext, database: TestDatabase, proxy: FaultyProxy) {
    this.#context = context;
    this.#database = database;
    this.#proxy = proxy;
  }

  static async open(context: TestContext): Promise<Cluster> {
    const database = await testDatabase();
    context.onTestFinished(() => database[Symbol.asyncDispose]());
    const { hostname, port } = new URL(database.url);
    const proxy = await FaultyProxy.start({ host: hostname, port: Number(port) });
    context.onTestFinished(() => proxy[Symbol.asyncDispose]());
    return new Cluster(context, database, proxy);
  }

  /** What stands between the replicas and Postgres. */
  get postgres(): FaultyProxy {
    return this.#proxy;
  }

  /** The database, through that. */
  get url(): string {
    return this.#proxy.through(this.#database.url);
  }

  get database() {
    return this.#database.database;
  }

  /** Starts a replica and waits until it is ready. */
  async start(env: Record<string, string> = {}): Promise<Replica> {
    const program = await this.spawn(env);
    const ready = JSON.parse(await program.waitFor(/"ready"/)) as { address: string; replica: string };
    const { deploymentKey } = await readSecrets(this.database.sql);
    const client = connect(registry.ReplicaRegistryServiceService, {
      targets: [`http://${ready.address}`],
      deploymentKey,
    });
    this.#context.onTestFinished(() => client[Symbol.dispose]());
    return {
      program,
      address: ready.address,
      id: ready.replica,
      async list() {
        const request = { traceparent: "", notBeforeRevision: 0n };
        const { view } = await client.listReplicas(request, { deadlineMs: 2_000 });
        return view?.replicas ?? [];
      },
    };
  }

  /** Starts a replica without waiting. */
  async spawn(env: Record<string, string> = {}): Promise<Program> {
    const folder = await temporaryFolder();
    const program = spawnProgram([process.execPath, MAIN], {
      env: {
        CODER_PG_CONNECTION_URL: this.url,
        CODER_HTTP_ADDRESS: "127.0.0.1:0",
        CODER_CONFIG_DIR: folder.path,
        CODER_LOGGING_JSON: "/dev/stderr",
        CODER_DRAIN_LAME_DUCK: "0s",
        CODER_DRAIN_TIMEOUT: "5s",
        CODER_MAX_DB_CONNECTIONS: "4",
        ...env,
      },
    });
    this.#context.onTestFinished(async () => {
      await program[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });
    return program;
  }

  /** From now on records every state that a replica's row has: none is missed. Answers what was recorded so far. */
  async historyOf({ id }: Pick<Replica, "id">): Promise<() => Promise<readonly string[]>> {
    const { sql } = this.database;
    this.#recording ??= recordStates(sql);
    await this.#recording;
    const before = await this.stateOf({ id });
    return async () => {
      const changes = await sql<
        { state: string }[]
      >`select state from state_change where id = ${id} order by nr`;
      return [before, ...changes.map(({ state }) => state)].filter((state) => state !== undefined);
    };
  }

  /** The registry that holds the replica's stream, as the table has it. */
  async ownerOf({ id }: Pick<Replica, "id">): Promise<string | undefined> {
    const [row] = await this.database.sql<{ owner: string }[]>`
      select owner_id as owner from registry.replica where id = ${id}`;
    return row?.owner;
  }

  /** The state in the table, whoever would list it. */
  async stateOf({ id }: Pick<Replica, "id">): Promise<string | undefined> {
    const [row] = await this.database.sql<{ state: string }[]>`
      select state from registry.replica where id = ${id}`;
    return row?.state;
  }
}

/** Lets the database itself note each change of a replica's state. */
async function recordStates(sql: TestDatabase["database"]["sql"]): Promise<void> {
  await sql`create table state_change (nr bigint generated always as identity, id uuid, state text)`;
  await sql`
    create function record_state() returns trigger language plpgsql as $$
    begin
      insert into state_change (id, state) values (new.id, new.state);
      return null;
    end $$`;
  await sql`
    create trigger record_state after update on registry.replica
    for each row when (old.state <> new.state) execute function record_state()`;
}

/** Waits until a replica lists exactly these, all ready. */
export async function untilListed(
  at: Replica,
  expected: readonly Replica[],
  withinMs = 10_000,
): Promise<void> {
  const wanted = expected.map(({ id }) => id).toSorted();
  await eventually(
    async () => {
      const listed = await at.list();
      const ready = listed.filter(({ state }) => state === registry.ReplicaState.READY).map(({ id }) => id);
      if (ready.toSorted().join() !== wanted.join() || listed.length !== wanted.length)
        throw new Error(`${at.id} lists ${JSON.stringify(listed.map(({ id, state }) => [id, state]))}`);
    },
    { withinMs, everyMs: 100 },
  );
}
