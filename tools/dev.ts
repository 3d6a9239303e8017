/**
 * `npm run dev <service>`: one service from source, restarted when a file of it changes, beside a running `npm start`: it joins
 * that one's Postgres and registry as one more replica.
 */
import { spawn } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { freePorts } from "./cluster/free-ports.ts";

/** What a running server says of itself, for this command: apps/server/src/embedded-postgres.ts. */
interface ServerFile {
  readonly pid: number;
  readonly postgresUrl: string;
}

const apps = globSync("apps/*/src/main.ts").map((file) => basename(dirname(dirname(file))));
const [service = "", ...rest] = process.argv.slice(2);

function fail(message: string): never {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}

/** One that was killed has left its file. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

if (!apps.includes(service)) fail(`say which service: npm run dev ${apps.join("|")}`);
const folder =
  process.env["CODER_CONFIG_DIR"] ??
  (process.getuid?.() === 0 ? "/var/lib/berth" : join(homedir(), ".config", "berth"));
const file = join(folder, "server.json");
const server = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as ServerFile) : undefined;
if (server === undefined || !isAlive(server.pid))
  fail(`nothing runs in ${folder}: start the rest with \`npm start\` in another terminal`);
/** As `npm start` was told; each part of the control plane is reached there. */
const url =
  process.env["CODER_ACCESS_URL"] ?? `http://${process.env["CODER_HTTP_ADDRESS"] ?? "127.0.0.1:3000"}`;

const [port = 0] = await freePorts(1);
const address = `127.0.0.1:${port}`;
const env = {
  CODER_PG_CONNECTION_URL: server.postgresUrl,
  CODER_ACCESS_URL: url,
  CODER_REPLICA_REGISTRY_URL: url,
  CODER_URL: url,
  CODER_HTTP_ADDRESS: address,
  CODER_DERP_SERVER_RELAY_URL: `http://${address}`,
  CODER_DRAIN_LAME_DUCK: "0",
  CODER_DANGEROUS_ALLOW_LOCAL_TEMPLATE: "true",
};
process.stdout.write(`${service} on http://${address}, beside ${url} (pid ${server.pid})\n`);
const child = spawn(
  process.execPath,
  ["--watch", "--watch-preserve-output", `apps/${service}/src/main.ts`, ...rest],
  {
    stdio: "inherit",
    env: { ...process.env, ...env, CODER_CONFIG_DIR: join(folder, `dev-${service}`) },
  },
);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => (process.exitCode = code ?? 1));
