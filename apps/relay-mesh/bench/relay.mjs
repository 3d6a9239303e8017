// P8: what one relay moves against a bare Node TCP splice in the same run, and a mesh hop against two chained splices.
// Ratios are of CPU per packet in the process(es) under test: what a full core would carry. Splice and relay take turns.
//   node bench/relay.mjs [seconds [rounds]]      BENCH_CPU_PROF=<folder>: each process under test leaves a profile there
import { fork } from "node:child_process";
import { connect } from "node:net";
import {
  FrameReader,
  decodeServerFrame,
  decodeServerKey,
  encodeClientInfo,
  encodeSendPacket,
  generateKeyPair,
} from "@berth/derp";

const seconds = Number(process.argv[2] ?? 2);
const rounds = Number(process.argv[3] ?? 3);
const BOUNDS = { relay: 0.7, mesh: 0.45 };
const cells = [1300, 32_768].flatMap((bytes) => [1, 100].map((pairs) => ({ bytes, pairs })));
const WINDOW_BYTES = { 1: 1024 * 1024, 100: 128 * 1024 };

function start(...args) {
  const child = fork(new URL("backend.mjs", import.meta.url), args.map(String), {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv:
      process.env.BENCH_CPU_PROF === undefined
        ? []
        : ["--cpu-prof", `--cpu-prof-dir=${process.env.BENCH_CPU_PROF}`],
  });
  const waiting = [];
  const heard = [];
  child.on("message", (message) => (waiting.length > 0 ? waiting.shift()(message) : heard.push(message)));
  const next = () =>
    heard.length > 0 ? Promise.resolve(heard.shift()) : new Promise((resolve) => waiting.push(resolve));
  return {
    next,
    send: (message) => child.send(message),
    async cpu() {
      child.send("cpu");
      return next();
    },
    end: () => child.disconnect(),
  };
}

/** Sends `chunk` over and over with a window of bytes that have not arrived yet. */
class Pair {
  received = 0;
  #sent = 0;
  #sender;
  #chunk;
  #window;

  constructor(sender, receiver, chunk, window) {
    this.#sender = sender;
    this.#chunk = chunk;
    this.#window = window;
    for (const socket of [sender, receiver]) socket.on("error", () => (this.#window = 0)); // the backend was ended
    receiver.on("data", (data) => {
      this.received += data.length;
      this.pump();
    });
  }

  pump() {
    while (this.#sent - this.received <= this.#window - this.#chunk.length) {
      this.#sent += this.#chunk.length;
      if (!this.#sender.write(this.#chunk)) break;
    }
  }
}

async function spliceSocket(port, kind, pair) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const hello = Buffer.alloc(5);
  hello[0] = kind.charCodeAt(0);
  hello.writeUInt32BE(pair, 1);
  socket.write(hello);
  await new Promise((resolve) => setTimeout(resolve, 5)); // the receiver must be known before its sender
  return socket;
}

async function splicePairs(port, count, frame, window) {
  const chunk = chunkOf(frame);
  const pairs = [];
  for (let pair = 0; pair < count; pair += 1) {
    const receiver = await spliceSocket(port, "r", pair);
    pairs.push(new Pair(await spliceSocket(port, "s", pair), receiver, chunk, window));
  }
  return pairs;
}

function chunkOf(frame) {
  return Buffer.concat(Array(Math.max(1, Math.floor(65_536 / frame.length))).fill(frame));
}

function relaySocket(port, keys) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.write("GET /derp HTTP/1.1\r\nHost: bench\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n");
  return new Promise((resolve) => {
    let head = Buffer.alloc(0);
    const reader = new FrameReader("client", (...bounds) => {
      const frame = decodeServerFrame(...bounds);
      if (frame.kind === "serverKey")
        socket.write(encodeClientInfo(keys, decodeServerKey(frame.payload), {}));
      if (frame.kind !== "serverInfo") return;
      socket.off("data", greet);
      resolve(socket);
    });
    const greet = (chunk) => {
      if (head === undefined) return reader.read(chunk);
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const rest = head.subarray(end + 4);
      head = undefined;
      reader.read(rest);
    };
    socket.on("data", greet);
  });
}

async function relayPairs(fromPort, toPort, count, bytes, window) {
  const pairs = [];
  for (let pair = 0; pair < count; pair += 1) {
    const to = generateKeyPair();
    const receiver = await relaySocket(toPort, to);
    const sender = await relaySocket(fromPort, generateKeyPair());
    pairs.push(
      new Pair(sender, receiver, chunkOf(encodeSendPacket(to.publicKey, Buffer.alloc(bytes, 1))), window),
    );
  }
  if (fromPort !== toPort) await new Promise((resolve) => setTimeout(resolve, 200)); // presence has crossed
  return pairs;
}

async function measure(backends, pairs, frameBytes) {
  for (const pair of pairs) pair.pump();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const received = () => pairs.reduce((sum, pair) => sum + pair.received, 0);
  const before = await Promise.all(backends.map((backend) => backend.cpu()));
  const [from, at] = [received(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const after = await Promise.all(backends.map((backend) => backend.cpu()));
  const packets = (received() - from) / frameBytes;
  const cpu = after.reduce(
    (sum, { cpu }, i) => sum + cpu.user + cpu.system - before[i].cpu.user - before[i].cpu.system,
    0,
  );
  return {
    microsPerPacket: cpu / packets,
    megabytesPerSecond: (packets * frameBytes) / (performance.now() - at) / 1000,
  };
}

async function runSplice({ bytes, pairs }, chain) {
  const last = start("splice");
  const { port } = await last.next();
  const first = chain ? start("splice", port) : last;
  const entry = chain ? (await first.next()).port : port;
  const frame = Buffer.alloc(bytes + 37);
  const made = await splicePairs(entry, pairs, frame, WINDOW_BYTES[pairs]);
  const backends = chain ? [first, last] : [last];
  const result = await measure(backends, made, frame.length);
  for (const backend of backends) backend.end();
  return result;
}

async function runRelay({ bytes, pairs }, mesh) {
  const backends = mesh ? [start("relay"), start("relay")] : [start("relay")];
  const told = await Promise.all(backends.map((backend) => backend.next()));
  if (mesh) {
    for (const backend of backends) backend.send({ replicas: told.map(({ replica }) => replica) });
    await Promise.all(backends.map((backend) => backend.next()));
  }
  const made = await relayPairs(told[0].port, told.at(-1).port, pairs, bytes, WINDOW_BYTES[pairs]);
  const result = await measure(backends, made, bytes + 37);
  for (const backend of backends) backend.end();
  return result;
}

const least = (values) => Math.min(...values);

for (const hop of ["relay", "mesh"]) {
  const isMesh = hop === "mesh";
  for (const cell of cells) {
    const micros = { splice: [], relay: [] };
    for (let round = 0; round < rounds; round += 1) {
      micros.splice.push((await runSplice(cell, isMesh)).microsPerPacket);
      micros.relay.push((await runRelay(cell, isMesh)).microsPerPacket);
    }
    const [baseline, ours] = [least(micros.splice), least(micros.relay)];
    report({
      what: `P8 ${isMesh ? "mesh hop" : "relay"}, ${cell.bytes} B × ${cell.pairs}`,
      ours: `${ours.toFixed(2)} µs`,
      baseline: `${baseline.toFixed(2)} µs`,
      value: baseline / ours,
      atLeast: BOUNDS[hop],
    });
  }
}
process.exit(0);

/** To whoever runs several benches, or to whoever runs this one. */
function report(row) {
  if (process.send === undefined) console.log(JSON.stringify(row));
  else process.send(row);
}
