import { type Socket, connect } from "node:net";
import {
  type ClientInfo,
  FrameReader,
  type KeyPair,
  type ServerFrame,
  decodeServerFrame,
  decodeServerInfo,
  decodeServerKey,
  encodeClientInfo,
  encodePong,
  encodeSendPacket,
  generateKeyPair,
} from "@berth/derp";

type Packet = Extract<ServerFrame, { kind: "recvPacket" }>;
type PeerGone = Extract<ServerFrame, { kind: "peerGone" }>;

/** How a test connects. */
export interface DerpClientOptions {
  readonly keys?: KeyPair;
  readonly said?: Partial<ClientInfo>;
  readonly headers?: readonly string[];
  /** The relay's key is known: ClientInfo goes along with the request. */
  readonly fastStart?: Buffer;
}

/** A stock client's side of the wire, byte for byte, on a socket of its own. */
export class DerpClient {
  readonly keys: KeyPair;
  readonly frames: ServerFrame[] = [];
  readonly #socket: Socket;
  readonly #greeted = Promise.withResolvers<undefined>();
  readonly #closed = Promise.withResolvers<undefined>();
  readonly #said: Partial<ClientInfo>;
  readonly #isFast: boolean;
  answersPings = true;
  /** The reply before the first frame. */
  head = "";

  static async connect(url: string, options: DerpClientOptions = {}): Promise<DerpClient> {
    const client = new DerpClient(url, options);
    await client.#greeted.promise;
    return client;
  }

  /** Connects without waiting to be let in. */
  constructor(url: string, options: DerpClientOptions = {}) {
    const { hostname, port } = new URL(url);
    this.keys = options.keys ?? generateKeyPair();
    this.#said = { canAckPings: true, ...options.said };
    this.#isFast = options.fastStart !== undefined;
    this.#greeted.promise.catch(() => undefined);
    this.#socket = connect(Number(port), hostname);
    const headers = options.headers ?? ["Upgrade: DERP", "Connection: Upgrade"];
    const fast = options.fastStart === undefined ? [] : ["Derp-Fast-Start: 1"];
    this.#socket.write([`GET /derp HTTP/1.1`, `Host: ${hostname}`, ...headers, ...fast, "", ""].join("\r\n"));
    if (options.fastStart !== undefined) this.#sayHello(options.fastStart);
    this.#read();
  }

  get publicKey(): Buffer {
    return this.keys.publicKey;
  }

  get packets(): Packet[] {
    return this.frames.filter((frame) => frame.kind === "recvPacket");
  }

  get peersGone(): PeerGone[] {
    return this.frames.filter((frame) => frame.kind === "peerGone");
  }

  /** Resolves when the relay has closed the connection. */
  get closed(): Promise<undefined> {
    return this.#closed.promise;
  }

  send(to: DerpClient | Buffer, packet: Buffer | string): boolean {
    return this.write(encodeSendPacket(to instanceof DerpClient ? to.publicKey : to, Buffer.from(packet)));
  }

  write(bytes: Buffer): boolean {
    return this.#socket.write(bytes);
  }

  drained(): Promise<void> {
    return new Promise((resolve) => this.#socket.once("drain", resolve));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #sayHello(serverKey: Buffer): void {
    this.#socket.write(encodeClientInfo(this.keys, serverKey, this.#said));
  }

  #read(): void {
    let serverKey: Buffer = Buffer.alloc(0);
    const reader = new FrameReader("client", (...bounds) => {
      const frame = decodeServerFrame(...bounds);
      if (frame === undefined) return;
      this.frames.push(frame);
      if (frame.kind === "ping" && this.answersPings) this.write(encodePong(frame.echo));
      if (frame.kind === "serverKey") {
        serverKey = decodeServerKey(frame.payload);
        if (!this.#isFast) this.#sayHello(serverKey);
      }
      if (frame.kind !== "serverInfo") return;
      decodeServerInfo(this.keys, serverKey, frame.payload);
      this.#greeted.resolve(undefined);
    });
    let inFrames = this.#isFast;
    this.#socket.on("data", (chunk: Buffer) => {
      if (inFrames) return reader.read(chunk);
      this.head += chunk.toString("latin1");
      const end = this.head.indexOf("\r\n\r\n");
      if (end < 0) return;
      inFrames = true;
      const rest = Buffer.from(this.head.slice(end + 4), "latin1");
      this.head = this.head.slice(0, end);
      if (this.head.startsWith("HTTP/1.1 101")) reader.read(rest);
    });
    this.#socket.on("error", () => undefined); // `close` follows
    this.#socket.on("close", () => {
      this.#greeted.reject(new Error("the relay closed the connection before ServerInfo"));
      this.#closed.resolve(undefined);
    });
  }
}
