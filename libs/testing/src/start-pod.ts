import { fileURLToPath } from "node:url";
import { readSecrets } from "@berth/coordination";
import { Scope } from "@berth/std";
import { spawnProgram, type Program } from "./spawn-program.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { testDatabase } from "./test-database.ts";

const REGISTRY = new URL("../../../apps/replica-registry/src/main.ts", import.meta.url);

/** A service as a process of its own, on a database of its own, joined to a registry of its own. */
export interface Pod extends AsyncDisposable {
  /** Of its listener. */
  readonly url: string;
  /** What siblings prove to it. */
  readonly deploymentKey: Buffer;
}

/** Starts the service whose main.ts that is, as a container would run it, and waits until it is ready. */
export async function startPod(main: URL, env: Readonly<Record<string, string>> = {}): Promise<Pod> {
  const scope = new Scope();
  try {
    const database = scope.use("database", await testDatabase());
    const start = async (file: URL, more: Readonly<Record<string, string>>): Promise<string> => {
      const folder = scope.use("folder", await temporaryFolder());
      const program = spawnProgram([process.execPath, fileURLToPath(file)], {
        env: {
          CODER_PG_CONNECTION_URL: database.url,
          CODER_HTTP_ADDRESS: "127.0.0.1:0",
          CODER_CONFIG_DIR: folder.path,
          CODER_DRAIN_LAME_DUCK: "0",
          CODER_LOGGING_JSON: "/dev/stderr",
          ...more,
        },
      });
      scope.use("program", program);
      return await urlOf(program);
    };
    const registry = await start(REGISTRY, {});
    const url = await start(main, { CODER_REPLICA_REGISTRY_URL: registry, ...env });
    const { deploymentKey } = await readSecrets(database.database.sql);
    return { url, deploymentKey, [Symbol.asyncDispose]: () => scope.close() };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

/** Where the process listens, from its log's `ready` line. */
async function urlOf(program: Program): Promise<string> {
  const line = await program.waitFor(/"msg":"ready"/, 60_000);
  const { address } = JSON.parse(line) as { address: string };
  return `http://${address}`;
}
