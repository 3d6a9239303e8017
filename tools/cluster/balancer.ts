/**
 * A round-robin TCP balancer for `npm start -- --nodes 3`, a process of its own:
 *   node balancer.ts <listen host:port> <node host:port> …
 * It skips nodes whose /readyz is not 200 and tries the next when one refuses. It reads nothing of what it carries.
 */
import { get } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const CHECK_EVERY_MS = 250;
const CHECK_WITHIN_MS = 1_000;
const CONNECT_WITHIN_MS = 1_000;

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

interface Backend extends Endpoint {
  ready: boolean;
}

function endpoint(text: string): Endpoint {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

/** Whether the node answers /readyz with 200. */
function isReady({ host, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      { host, port, path: "/readyz", timeout: CHECK_WITHIN_MS, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

async function watch(backend: Backend): Promise<never> {
  while (true) {
    backend.ready = await isReady(backend);
    await sleep(CHECK_EVERY_MS);
  }
}

/** A connection to the backend, or undefined when it refuses or does not answer. */
function dial(backend: Endpoint): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: backend.host, port: backend.port, noDelay: true, allowHalfOpen: true });
    const give = (outcome: Socket | undefined) => {
      clearTimeout(timer);
      socket.off("error", refuse);
      resolve(outcome);
    };
    const refuse = () => {
      socket.destroy();
      give(undefined);
    };
    const timer = setTimeout(refuse, CONNECT_WITHIN_MS);
    socket.once("error", refuse);
    socket.once("connect", () => give(socket));
  });
}

function splice(a: Socket, b: Socket): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
  }
}

const [listenAt = "", ...nodes] = process.argv.slice(2);
const backends: Backend[] = nodes.map((node) => ({ ...endpoint(node), ready: false }));
const turn = { next: 0 };

async function carry(client: Socket): Promise<void> {
  client.pause();
  const order = backends.map((_, i) => backends[(turn.next + i) % backends.length]);
  turn.next = (turn.next + 1) % backends.length;
  for (const backend of order.filter((candidate) => candidate?.ready === true)) {
    const socket = backend && (await dial(backend));
    if (socket !== undefined) return splice(client, socket);
  }
  client.destroy();
}

const server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, (client) => {
  client.on("error", () => client.destroy());
  void carry(client);
});
server.on("error", (error: NodeJS.ErrnoException) => {
  process.stderr.write(`balancer: ${listenAt}: ${error.message}\n`);
  process.exit(1);
});
const { host, port } = endpoint(listenAt);
server.listen({ host, port, backlog: 4096 }, () => {
  const bound = server.address();
  const at = typeof bound === "object" && bound !== null ? bound.port : port;
  process.stdout.write(`balancer listening ${host}:${at}\n`);
});
for (const backend of backends) void watch(backend);
// its launcher owns it: when the launcher's end of the pipe closes, nobody needs it any more
process.stdin.resume().on("end", () => process.exit(0));
