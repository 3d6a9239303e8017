export type * from "./mount.ts";
export type * from "./method.ts";
export { serveOnSocket, type UnaryHandlers } from "./serve-on-socket.ts";
export { type Listener, type ListenerOptions, openListener } from "./listener.ts";
export type { ListenAddress } from "./sockets.ts";
export { connect } from "./connect.ts";
export { refuseUpgrade } from "./http-side.ts";
export {
  type OpenWebSocketOptions,
  type WebSocketClosed,
  type WebSocketConnection,
  acceptWebSocket,
  acceptWebSocketStream,
  openWebSocket,
  openWebSocketStream,
} from "./websocket.ts";
