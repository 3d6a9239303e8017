// One process under load: `relay` or `splice` (a.pipe(b)). Tells its port and answers "cpu" with what it has used. In a chain a
// splice dials the next one; relays of one bench are meshed.
import { connect, createServer } from "node:net";

const [kind, upstreamPort] = process.argv.slice(2);

const tell = (message) => process.send(message);
process.on("message", (message) => {
  if (message === "cpu") tell({ cpu: process.cpuUsage(), at: performance.now() });
});
process.on("disconnect", () => process.exit(0));

if (kind === "relay") await serveRelay();
else serveSplice();

async function serveRelay() {
  const { View, listed, startRelay } = await import("../test/start-relay.ts");
  const running = await startRelay();
  const view = new View();
  let following;
  tell({ port: Number(new URL(running.url).port), replica: listed(running) });
  process.on("message", (message) => {
    if (message.replicas !== undefined) {
      view.list(message.replicas);
      following ??= running.mesh.follow(view);
      void following.then(() => tell({ linked: running.mesh.linkedCount }));
    }
    if (message === "drain") void leave(running);
  });
}

/** As `index.ts` does on SIGTERM, once a balancer has noticed. */
async function leave(running) {
  const [{ drain }, { relayEvents }] = await Promise.all([
    import("../src/drain.ts"),
    import("../src/events.ts"),
  ]);
  const quiet = { debug() {}, info() {}, warn() {}, error: console.error };
  running.accepting = false;
  await drain(running.relay, running.mesh, relayEvents(quiet), AbortSignal.timeout(10_000));
  running.relay.close();
  running.mesh.sayGoodbye();
  process.exit(0);
}

/** The first 5 bytes of a connection say which pair it belongs to, and whether it sends ("s") or receives ("r"). */
function serveSplice() {
  const receivers = new Map();
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (hello) => {
      const pair = hello.readUInt32BE(1);
      if (upstreamPort !== undefined) return splice(socket, chained(hello), hello.subarray(5));
      if (hello[0] === 0x72) return void receivers.set(pair, socket);
      splice(socket, receivers.get(pair), hello.subarray(5));
    });
  });
  server.listen(0, "127.0.0.1", () => tell({ port: server.address().port }));
}

function chained(hello) {
  const next = connect({ port: Number(upstreamPort), host: "127.0.0.1", noDelay: true });
  next.write(hello.subarray(0, 5));
  return next;
}

function splice(from, to, first) {
  if (first.length > 0) to.write(first);
  from.pipe(to);
  if (upstreamPort !== undefined) to.pipe(from);
}
