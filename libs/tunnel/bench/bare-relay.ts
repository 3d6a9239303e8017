import { createServer } from "node:http";
import { connect, createServer as createTcpServer, Socket, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import {
  decodeClientInfo,
  encodePong,
  encodeServerInfo,
  encodeServerKey,
  Frame,
  FrameReader,
  generateKeyPair,
  HEADER_BYTES,
} from "@berth/derp";

/** A relay that does nothing but relay: frames are rewritten in place. Answers its port. */
export function startBareRelay(): Promise<number> {
  const keys = generateKeyPair();
  const clients = new Map<string, { socket: Duplex; key: Buffer }>();
  const server = createServer();
  server.on("upgrade", (_request, socket) => {
    let self: { socket: Duplex; key: Buffer } | undefined;
    const reader = new FrameReader("relay", (type, buffer, start, end) => {
      const payload = buffer.subarray(start + HEADER_BYTES, end);
      if (type === Frame.clientInfo.code) {
        const { clientKey, box } = decodeClientInfo(keys, payload);
        self = { socket, key: clientKey };
        clients.set(clientKey.toString("latin1"), self);
        socket.write(encodeServerInfo(box));
      } else if (type === Frame.ping.code) socket.write(encodePong(payload));
      else if (type === Frame.sendPacket.code && self !== undefined) {
        const to = clients.get(payload.toString("latin1", 0, 32));
        buffer[start] = Frame.recvPacket.code;
        self.key.copy(buffer, start + HEADER_BYTES);
        to?.socket.cork();
        to?.socket.write(buffer.subarray(start, end));
        process.nextTick(() => to?.socket.uncork());
      }
    });
    if (socket instanceof Socket) socket.setNoDelay(true);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n");
    socket.write(encodeServerKey(keys.publicKey));
    socket.on("data", (chunk: Buffer) => reader.read(chunk));
    socket.on("error", () => undefined);
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );
}

/** A bare splice to a port: what any relay is measured against. Answers its port. */
export function startSplice(target: number): Promise<number> {
  const server = createTcpServer((socket) => {
    const onward = connect(target, "127.0.0.1");
    socket.pipe(onward).pipe(socket);
    for (const side of [socket, onward]) side.on("error", () => undefined);
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );
}
