/**
 * Three nodes on one machine: HA to try and to break. Starts an embedded Postgres, a balancer and `nodes` times
 * `berth server`, each a process of its own, and writes `cluster.json` once all are ready. A node that is killed stays down
 * until somebody starts it again by the command in that file.
 */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { startLocalPostgres } from "@berth/local-postgres";
import { selfCommand } from "@berth/runtime";
import { Scope, messageOf } from "@berth/std";
import { type Child, startChild } from "./child.ts";
import { endFormerNodes } from "./former.ts";
import { freePorts } from "./free-ports.ts";

const BALANCER = join(import.meta.dirname, "balancer.ts");
const READY_WITHIN_MS = 120_000;

/** A node as `cluster.json` has it: `start` brings it back. */
interface Node {
  readonly name: string;
  pid: number;
  readonly address: string;
  readonly relayUrl: string;
  /** Where its Prometheus metrics are. */
  readonly metricsUrl: string;
  readonly dataFolder: string;
  readonly start: {
    readonly command: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
  };
}

/** Runs until it is told to end; answers the exit code. */
export async function launchCluster(count: number, rest: readonly string[]): Promise<number> {
  const scope = new Scope();
  const ended = Promise.withResolvers<number>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => ended.resolve(0));
  try {
    await start(count, rest, scope, (code) => ended.resolve(code));
    return await ended.promise;
  } catch (error) {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    return error instanceof AddressError ? 78 : 1;
  } finally {
    await scope.close();
  }
}

async function start(
  count: number,
  rest: readonly string[],
  scope: Scope,
  end: (code: number) => void,
): Promise<void> {
  const folder =
    process.env["CODER_CONFIG_DIR"] ??
    (process.getuid?.() === 0 ? "/var/lib/berth" : join(homedir(), ".config", "berth"));
  const [host, port] = endpointOf(
    process.env["CODER_HTTP_ADDRESS"] ?? process.env["CODER_ADDRESS"] ?? "127.0.0.1:3000",
  );
  const file = join(folder, "cluster.json");
  await endFormerNodes(file, say);
  await demandFree(host, port);
  await mkdir(folder, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });

  const postgres = await startLocalPostgres({ folder, maxConnections: 40 * count + 20 });
  scope.add("postgres", () => postgres.stop());
  postgres.failed.catch((error: unknown) => {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    end(1);
  });
  say(`postgres     pid ${postgres.pid}`);

  const ports = await freePorts(2 * count);
  const nodes = ports.slice(0, count).map((each, i) =>
    describeNode({
      name: `node-${i + 1}`,
      address: `127.0.0.1:${each}`,
      metricsAddress: `127.0.0.1:${ports[count + i] ?? 0}`,
      accessUrl:
        process.env["CODER_ACCESS_URL"] ?? `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`,
      folder,
      postgresUrl: postgres.url,
      rest,
    }),
  );
  const balancer = await startChild(
    "balancer",
    [process.execPath, BALANCER, `${host}:${port}`, ...nodes.map((node) => node.address)],
    {
      env: process.env,
      ready: (line) => line.startsWith("balancer listening"),
      withinMs: READY_WITHIN_MS,
    },
  );
  scope.add("balancer", () => balancer.stop("SIGTERM"));
  void balancer.exited.then(() => end(1));
  say(`balancer     pid ${balancer.pid}  http://${host}:${port}`);

  const started: Child[] = [];
  scope.add("nodes", () => Promise.all(started.map((child) => child.stop("SIGTERM")))); // each drains: all at once
  const running = await Promise.all(nodes.map((node) => startNode(node, started)));
  running.forEach((child, i) => {
    const node = nodes[i];
    if (node !== undefined)
      say(`${node.name}       pid ${child.pid}  http://${node.address}  data ${node.dataFolder}`);
  });
  scope.add("cluster.json", () => rm(file, { force: true }));
  await writeByRename(
    file,
    JSON.stringify(
      {
        balancer: { address: `${host}:${port}`, pid: balancer.pid },
        postgres: { pid: postgres.pid, url: postgres.url },
        nodes,
      },
      null,
      2,
    ),
  );
  say(`
Berth is ready at http://${host}:${port} (${count} nodes; see ${file})

  npx berth login http://${host}:${port}
  npx berth replicas
  kill -9 a node and go on working`);
}

async function startNode(node: Node, started: Child[]): Promise<Child> {
  const child = await startChild(node.name, node.start.command, {
    env: { ...process.env, ...node.start.env },
    cwd: node.start.cwd,
    readyUrl: `http://${node.address}/readyz`,
    withinMs: READY_WITHIN_MS,
  });
  node.pid = child.pid;
  started.push(child);
  void child.exited.then((how) => say(`${node.name}       pid ${child.pid} ended: ${how}`));
  return child;
}

interface NodePlace {
  readonly name: string;
  readonly address: string;
  readonly metricsAddress: string;
  readonly accessUrl: string;
  readonly folder: string;
  readonly postgresUrl: string;
  readonly rest: readonly string[];
}

function describeNode({
  name,
  address,
  metricsAddress,
  accessUrl,
  folder,
  postgresUrl,
  rest,
}: NodePlace): Node {
  const dataFolder = join(folder, name);
  const env = {
    CODER_CONFIG_DIR: dataFolder,
    CODER_CACHE_DIRECTORY: join(dataFolder, "cache"),
    CODER_HTTP_ADDRESS: address,
    CODER_ACCESS_URL: accessUrl,
    CODER_DERP_SERVER_RELAY_URL: `http://${address}`,
    CODER_PG_CONNECTION_URL: postgresUrl,
    CODER_PROMETHEUS_ENABLE: "true",
    CODER_PROMETHEUS_ADDRESS: metricsAddress,
    CODER_DANGEROUS_ALLOW_LOCAL_TEMPLATE: "true",
  };
  return {
    name,
    pid: 0,
    address,
    relayUrl: env.CODER_DERP_SERVER_RELAY_URL,
    metricsUrl: `http://${metricsAddress}/metrics`,
    dataFolder,
    start: { command: [...selfCommand(["server"]), ...rest], env, cwd: process.cwd() },
  };
}

/** Nobody can listen there: exit code 78. */
class AddressError extends Error {
  constructor(address: string, why: string) {
    super(`CODER_HTTP_ADDRESS is "${address}": ${why}`);
  }
}

/** Before anything is started. @throws AddressError */
async function demandFree(host: string, port: number): Promise<void> {
  const probe = createServer();
  const failed = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    probe.once("error", resolve);
    probe.listen(port, host, () => resolve(undefined));
  });
  if (failed?.code === "EADDRINUSE")
    throw new AddressError(`${host}:${port}`, "somebody listens there: end that, or give another address");
  if (failed !== undefined) throw new AddressError(`${host}:${port}`, failed.message);
  await new Promise((resolve) => probe.close(resolve));
}

function endpointOf(address: string): [string, number] {
  if (!/:\d{1,5}$/.test(address)) throw new AddressError(address, "write host:port, such as 127.0.0.1:3000");
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace("*", "0.0.0.0");
  return [host === "" ? "0.0.0.0" : host, Number(address.slice(colon + 1))];
}

async function writeByRename(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
