import type { Server } from "node:http";
import type { Socket } from "node:net";

// Which protocol a new connection speaks is told by its first bytes, inside a listening http(s).Server: a server that never
// listens has no header time-outs and never closes idle connections.

/** The preface that every HTTP/2 client sends first (RFC 9113, section 3.4). */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Browsers open connections ahead of need, so silence is allowed for long, but not for ever. */
const SILENCE_MS = 120_000;

/** Hands connections that begin with HTTP/2's preface to `http2`, and all others to the server as before. */
export function divertHttp2(
  server: Server,
  event: "connection" | "secureConnection",
  http2: (socket: Socket) => void,
): void {
  const listeners = server.listeners(event) as ((socket: Socket) => void)[];
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => {
    const http1 = () => listeners.forEach((listen) => listen.call(server, socket));
    const taken = () => {
      // An http.Server's sockets stay half-open after the peer's end, which HTTP/1 sees to itself; HTTP/2 does not, and
      // the calls of a peer that was killed would stay open.
      socket.allowHalfOpen = false;
      http2(socket);
    };
    if ("alpnProtocol" in socket) return socket.alpnProtocol === "h2" ? taken() : http1();
    sniff(socket, taken, http1);
  });
}

function sniff(socket: Socket, http2: (socket: Socket) => void, http1: () => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const end = () => {
    socket.off("readable", look);
    socket.off("end", give);
    socket.off("error", give);
    socket.setTimeout(0);
    socket.off("timeout", give);
  };
  const give = () => {
    end();
    socket.destroy();
  };
  const look = () => {
    for (let more = read(socket); more !== null; more = read(socket)) seen = Buffer.concat([seen, more]);
    const length = Math.min(seen.length, PREFACE.length);
    const like = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (length === 0 || (like && length < PREFACE.length)) return;
    end();
    socket.unshift(seen);
    if (like) http2(socket);
    else http1();
  };
  socket.setTimeout(SILENCE_MS, give);
  socket.on("readable", look);
  socket.on("end", give);
  socket.on("error", give);
}

const read = (socket: Socket) => socket.read() as Buffer | null; // no encoding is set on it
