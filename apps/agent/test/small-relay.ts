import type { Duplex } from "node:stream";
import {
  decodeClientInfo,
  encodeFrame,
  encodePong,
  encodeRecvPacket,
  encodeServerInfo,
  encodeServerKey,
  Frame,
  FrameReader,
  generateKeyPair,
  HEADER_BYTES,
  KEY_BYTES,
} from "@berth/derp";
import type { Listener } from "@berth/rpc";

/** A DERP relay that asks for no ticket, mounted where the embedded relay is. Its clients can be cut off. */
export class SmallRelay {
  readonly #keys = generateKeyPair();
  readonly #clients = new Map<string, Duplex>();

  constructor(listener: Pick<Listener, "upgrade">) {
    listener.upgrade("/derp", (_request, socket, head) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n");
      if (head.length > 0) socket.unshift(head);
      this.#serve(socket);
    });
  }

  get keys(): readonly string[] {
    return [...this.#clients.keys()];
  }

  /** As the death of a relay looks to its clients. */
  cut(): void {
    for (const socket of this.#clients.values()) socket.destroy();
  }

  #serve(socket: Duplex): void {
    let from = "";
    const reader = new FrameReader("relay", (type, buffer, start, end) => {
      const payload = buffer.subarray(start + HEADER_BYTES, end);
      if (type === Frame.clientInfo.code) from = this.#greet(socket, payload);
      if (type === Frame.ping.code) socket.write(encodePong(payload));
      if (type === Frame.sendPacket.code) this.#forward(from, payload);
    });
    socket.on("data", (chunk: Buffer) => reader.read(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#clients.get(from) === socket && this.#clients.delete(from));
    socket.write(encodeServerKey(this.#keys.publicKey));
  }

  #greet(socket: Duplex, payload: Buffer): string {
    const { clientKey, box } = decodeClientInfo(this.#keys, payload);
    const key = clientKey.toString("hex");
    this.#clients.set(key, socket);
    socket.write(encodeServerInfo(box));
    socket.write(encodeFrame(Frame.keepAlive.code));
    return key;
  }

  #forward(from: string, payload: Buffer): void {
    const to = this.#clients.get(payload.toString("hex", 0, KEY_BYTES));
    to?.write(encodeRecvPacket(Buffer.from(from, "hex"), Buffer.from(payload.subarray(KEY_BYTES))));
  }
}
