import type WebSocket from "ws";

/** Balancers cut what is silent for a minute, browsers never ping: the server does. */
const PING_MS = 15_000;
const MISSED_PINGS = 3;

/** Pings every 15 s, and ends a connection that has answered none of three. */
export function keepAlive(socket: WebSocket): void {
  let unanswered = 0;
  const timer = setInterval(() => {
    if (unanswered >= MISSED_PINGS) return socket.terminate();
    unanswered += 1;
    socket.ping();
  }, PING_MS);
  const heard = () => void (unanswered = 0);
  socket.on("pong", heard);
  socket.on("message", heard);
  socket.on("close", () => clearInterval(timer));
}
