import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Scope } from "@berth/std";
import type { Person } from "./berth.ts";
import { bareEnvironment } from "./cluster.ts";
import { Pod } from "./pod.ts";
import { endWorkspaces, makeFolder, personAt } from "./scene.ts";
import { freePort } from "./tcp.ts";

/** `npm start` in a folder of its own, and its owner, logged in. */
export interface SingleNode extends AsyncDisposable {
  readonly folder: string;
  readonly url: string;
  readonly server: Pod;
  readonly owner: Person;
}

/** What `npm start` runs. */
export const START = resolve(import.meta.dirname, "../../../tools/start.ts");

/** Starts it and makes the first user. `onAddress` hears where it will listen, before it does. */
export async function startSingleNode(
  variables: Readonly<Record<string, string>> = {},
  onAddress: (address: string) => void = () => undefined,
): Promise<SingleNode> {
  const scope = new Scope();
  try {
    const folder = await makeFolder();
    scope.add("folder", () => rm(folder, { recursive: true, force: true }));
    const address = `127.0.0.1:${await freePort()}`;
    const url = `http://${address}`;
    onAddress(address);
    const server = scope.use(
      "server",
      new Pod("server", [process.execPath, START], { ...serverEnvironment(folder, address), ...variables }),
    );
    scope.add("workspaces", () => endWorkspaces(folder));
    await server.readyAt(`${url}/readyz`);
    const owner = await personAt(folder, "owner", variables["CODER_ACCESS_URL"] ?? url);
    return { folder, url, server, owner, [Symbol.asyncDispose]: () => scope.close() };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

/** Variables of a server that keeps everything below one folder. */
export function serverEnvironment(folder: string, address: string): NodeJS.ProcessEnv {
  return {
    ...bareEnvironment(folder),
    CODER_CONFIG_DIR: join(folder, "server"),
    CODER_CACHE_DIRECTORY: join(folder, "cache"),
    CODER_HTTP_ADDRESS: address,
  };
}
