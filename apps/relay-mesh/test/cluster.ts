import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { Scope } from "@berth/std";
import { type Program, type TestDatabase, spawnProgram, temporaryFolder, testDatabase } from "@berth/testing";

const mainOf = (app: string) => fileURLToPath(new URL(`../../${app}/src/main.ts`, import.meta.url));

/** A relay as a process of its own. */
export interface RelayProcess {
  readonly program: Program;
  readonly url: string;
  metrics(): Promise<string>;
}

/** One registry and as many relays as the tests start, on one database; everything ends with it. */
export class RelayCluster implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly #scope = new Scope();
  #registryUrl = "";

  private constructor(database: TestDatabase) {
    this.database = database;
    this.#scope.use("database", database);
  }

  static async open(): Promise<RelayCluster> {
    const cluster = new RelayCluster(await testDatabase());
    const program = await cluster.#spawn("replica-registry", {});
    cluster.#registryUrl = `http://${await addressOf(program)}`;
    return cluster;
  }

  async startRelay(env: Record<string, string> = {}): Promise<RelayProcess> {
    const metricsAddress = `127.0.0.1:${await freePort()}`;
    const program = await this.#spawn("relay-mesh", {
      CODER_REPLICA_REGISTRY_URL: this.#registryUrl,
      CODER_DERP_SERVER_RELAY_URL: "http://127.0.0.1",
      CODER_DERP_SERVER_OPEN: "true",
      CODER_PROMETHEUS_ENABLE: "true",
      CODER_PROMETHEUS_ADDRESS: metricsAddress,
      ...env,
    });
    return {
      program,
      url: `http://${await addressOf(program)}`,
      metrics: async () => (await fetch(`http://${metricsAddress}`)).text(),
    };
  }

  async #spawn(app: string, env: Record<string, string>): Promise<Program> {
    const folder = this.#scope.use("folder", await temporaryFolder());
    const program = spawnProgram([process.execPath, mainOf(app)], {
      env: {
        CODER_PG_CONNECTION_URL: this.database.url,
        CODER_HTTP_ADDRESS: "127.0.0.1:0",
        CODER_CONFIG_DIR: folder.path,
        CODER_DRAIN_LAME_DUCK: "0",
        ...env,
      },
    });
    return this.#scope.use(app, program);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope.close();
  }
}

async function addressOf(program: Program): Promise<string> {
  const line: unknown = JSON.parse(await program.waitFor(/"ready"/));
  if (typeof line === "object" && line !== null && "address" in line) return String(line.address);
  throw new Error("the program said that it is ready, but not where");
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}
