// P3, P4: how long a stream of a tunnel stands still when the relay of its client or of its agent is killed with -9, and when it
// drains as on SIGTERM. Relays, client and agent are processes; a balancer in this one sends each where it should begin, and then
// to any relay that is not gone or draining. Every byte is counted. The baseline is the longest gap before, of the same stream.
//   node bench/stalls.mjs [rounds]
import { fork } from "node:child_process";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const rounds = Number(process.argv[2] ?? 5);
/** A stall that lasts longer is told as this. */
const PATIENCE_MS = 3_000;
const CASES = [
  { what: "P3 client's relay killed -9", whose: "client", how: "kill", boundMs: 2_000 },
  { what: "P3 agent's relay killed -9", whose: "agent", how: "kill", boundMs: 2_000 },
  { what: "P4 client's relay drains", whose: "client", how: "drain", boundMs: 250 },
  { what: "P4 agent's relay drains", whose: "agent", how: "drain", boundMs: 250 },
];

function start(file, ...args) {
  const child = fork(new URL(file, import.meta.url), args.map(String), {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const waiting = [];
  const heard = [];
  child.on("message", (message) => (waiting.length > 0 ? waiting.shift()(message) : heard.push(message)));
  const next = () =>
    heard.length > 0 ? Promise.resolve(heard.shift()) : new Promise((resolve) => waiting.push(resolve));
  return { child, next, ask: (message) => (child.send(message), next()) };
}

class Region {
  relays = [];
  async add() {
    const backend = start("backend.mjs", "relay");
    const { port, replica } = await backend.next();
    this.relays.push({ ...backend, port, replica, takesMore: true });
    const replicas = this.relays.map(({ replica }) => replica);
    await Promise.all(this.relays.map(({ ask }) => ask({ replicas })));
  }
  strike(relay, how) {
    relay.takesMore = false;
    this.relays = this.relays.filter((other) => other !== relay);
    if (how === "kill") relay.child.kill("SIGKILL");
    else relay.child.send("drain");
  }
}

/** A balancer for one end: first to where it is sent, then in turn to whoever takes more. */
async function balance(region) {
  const balancer = { at: undefined, port: 0 };
  let turn = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    const choice =
      balancer.at?.takesMore === true ? balancer.at : region.relays[turn++ % region.relays.length];
    balancer.at = choice;
    const onward = connect({ port: choice.port, host: "127.0.0.1", noDelay: true });
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ]) {
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  balancer.port = server.address().port;
  return balancer;
}

const region = new Region();
for (let count = 0; count < 3; count += 1) await region.add();
const balancers = { client: await balance(region), agent: await balance(region) };

for (const { what, whose, how, boundMs } of CASES) {
  const stalls = [];
  const before = [];
  for (let round = 0; round < rounds; round += 1) {
    [balancers.client.at, balancers.agent.at] = region.relays;
    const agent = start("stream-end.mjs", "agent", balancers.agent.port);
    const { agentKey } = await agent.next();
    const client = start("stream-end.mjs", "client", balancers.client.port, agentKey);
    await client.next();
    await agent.ask("gap");
    await sleep(1_000);
    before.push((await agent.ask("gap")).longestMs);
    region.strike(balancers[whose].at, how);
    await sleep(PATIENCE_MS);
    const { longestMs, inOrder } = await agent.ask("gap");
    if (!inOrder) throw new Error(`${what}: bytes were lost, repeated or out of order`);
    stalls.push(longestMs);
    for (const { child } of [client, agent]) child.kill("SIGKILL");
    await region.add();
  }
  const worst = Math.max(...stalls);
  report({
    what,
    ours: `${worst.toFixed(0)} ms of ${rounds}`,
    baseline: `${Math.max(...before).toFixed(0)} ms`,
    value: worst,
    atMost: boundMs,
  });
}
for (const { child } of region.relays) child.kill("SIGKILL");
process.exit(0);

/** To whoever runs several benches, or to whoever runs this one. */
function report(row) {
  if (process.send === undefined) console.log(JSON.stringify(row));
  else process.send(row);
}
