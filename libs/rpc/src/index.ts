export type * from "./mount.ts";
export type * from "./method.ts";
export { serveOnSocket, type UnaryHandlers } from "./serve-on-socket.ts";
