import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import {
  decodeClientInfo,
  encodeFrame,
  encodeHealth,
  encodePong,
  encodeRecvPacket,
  encodeRestarting,
  encodeServerInfo,
  encodeServerKey,
  Frame,
  FrameReader,
  generateKeyPair,
  HEADER_BYTES,
  KEY_BYTES,
} from "@berth/derp";
import { acceptWebSocketStream } from "@berth/rpc";
import type { RelayAddress } from "../src/types.ts";

interface Client {
  readonly stream: Duplex;
  readonly node: TestRelayNode;
}

/** Relays of one region that know each other's clients: real DERP on real sockets, with faults on demand. */
export class TestRegion implements AsyncDisposable {
  readonly clients = new Map<string, Client>();
  readonly nodes: TestRelayNode[] = [];
  readonly tls: { cert: Buffer; key: Buffer } | undefined;

  constructor(tls?: { cert: Buffer; key: Buffer }) {
    this.tls = tls;
  }

  /** Every packet that passed, with its two keys. */
  readonly packets: { from: string; to: string; packet: Buffer }[] = [];
  /** The reason to refuse a client, by its ticket. */
  refuse: (ticket: string | undefined) => string | undefined = () => undefined;

  async startNode(): Promise<TestRelayNode> {
    const node = new TestRelayNode(this);
    await node.listen();
    this.nodes.push(node);
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
  }
}

/** One relay of a region. */
export class TestRelayNode {
  readonly #region: TestRegion;
  readonly #server: Server;
  readonly #streams = new Set<Duplex>();
  readonly #keys = generateKeyPair();
  #port = 0;
  /** Like a proxy that knows WebSocket only. */
  stripsUpgrades = false;
  /** A cable cut: nothing is read, nothing is written. */
  isSilent = false;
  /** How each client came. */
  readonly upgrades: string[] = [];

  constructor(region: TestRegion) {
    this.#region = region;
    this.#server = region.tls === undefined ? createServer() : createSecureServer(region.tls);
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
    this.#server.on("connection", (socket: Duplex) => this.#streams.add(socket));
  }

  get clientCount(): number {
    return [...this.#region.clients.values()].filter(({ node }) => node === this).length;
  }

  get address(): RelayAddress {
    const scheme = this.#region.tls === undefined ? "http" : "https";
    return { url: `${scheme}://localhost:${this.#port}`, regionId: 999, regionName: "test" };
  }

  listen(): Promise<void> {
    return new Promise((resolve) =>
      this.#server.listen(0, "localhost", () => {
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      }),
    );
  }

  /** As `kill -9` looks from outside. */
  kill(): Promise<void> {
    for (const stream of this.#streams) stream.destroy();
    for (const [key, { node }] of this.#region.clients) if (node === this) this.#region.clients.delete(key);
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Tells every client to connect elsewhere. */
  restart(): void {
    for (const { stream, node } of this.#region.clients.values())
      if (node === this) stream.write(encodeRestarting(0, 5000));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const wanted = request.headers.upgrade ?? "";
    this.upgrades.push(wanted);
    if (wanted === "websocket") {
      const stream = acceptWebSocketStream(request, socket, head, "derp");
      if (stream !== undefined) this.#serve(stream);
      return;
    }
    if (this.stripsUpgrades)
      return void socket.end("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n");
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n");
    if (head.length > 0) socket.unshift(head);
    this.#serve(socket);
  }

  #serve(stream: Duplex): void {
    let from = "";
    const reader = new FrameReader("relay", (type, buffer, start, end) => {
      const payload = buffer.subarray(start + HEADER_BYTES, end);
      if (type === Frame.clientInfo.code) from = this.#greet(stream, payload);
      else if (type === Frame.ping.code) stream.write(encodePong(payload));
      else if (type === Frame.sendPacket.code) this.#forward(from, payload);
    });
    stream.on("data", (chunk: Buffer) => {
      if (!this.isSilent) reader.read(chunk);
    });
    stream.on("error", () => undefined);
    stream.on("end", () => stream.end());
    stream.on("close", () => {
      this.#streams.delete(stream);
      if (this.#region.clients.get(from)?.stream === stream) this.#region.clients.delete(from);
    });
    this.#streams.add(stream);
    stream.write(encodeServerKey(this.#keys.publicKey));
  }

  #greet(stream: Duplex, payload: Buffer): string {
    const { clientKey, said, box } = decodeClientInfo(this.#keys, payload);
    const refusal = this.#region.refuse(said.berthTicket);
    if (refusal !== undefined) {
      stream.end(encodeHealth(`refused: ${refusal}`));
      return "";
    }
    const key = clientKey.toString("hex");
    this.#region.clients.set(key, { stream, node: this });
    stream.write(encodeServerInfo(box));
    stream.write(encodeFrame(Frame.keepAlive.code));
    return key;
  }

  #forward(from: string, payload: Buffer): void {
    const to = payload.toString("hex", 0, KEY_BYTES);
    const packet = Buffer.from(payload.subarray(KEY_BYTES));
    if (this.#region.packets.length < 5000) this.#region.packets.push({ from, to, packet });
    const client = this.#region.clients.get(to);
    if (client === undefined || client.node.isSilent) return;
    client.stream.write(encodeRecvPacket(Buffer.from(from, "hex"), packet));
  }
}
