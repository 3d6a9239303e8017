import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { WEBSOCKET_PATH, WEBSOCKET_PROTOCOL } from "./handshake.ts";
import { shortTemporary } from "./sockets.ts";
import { openWebSocketStream } from "./websocket.ts";

/** A local socket whose every connection goes on inside a WebSocket to a server's `/rpc`. */
export interface Bridge extends AsyncDisposable {
  /** What grpc-js dials instead. */
  readonly authority: string;
  /** Why the last connection failed, if it did. */
  failure(): Error | undefined;
}

/** Opens a bridge; the WebSocket itself is opened when something connects. grpc-js takes no connection from its caller. */
export async function openBridge(url: URL): Promise<Bridge> {
  const folder = await mkdtemp(join(shortTemporary(), "berth-")); // 0700: who reaches the socket speaks as this user
  let failure: Error | undefined;
  const server = createServer((local) => {
    local.on("error", () => undefined); // seen by the pipeline
    openWebSocketStream(endpointOf(url), { protocol: WEBSOCKET_PROTOCOL }).then(
      (remote) => {
        failure = undefined;
        pipeline(local, remote, () => local.destroy());
        pipeline(remote, local, () => remote.destroy());
      },
      (error: unknown) => {
        failure = error instanceof Error ? error : new Error(String(error));
        local.destroy();
      },
    );
  });
  const path = join(folder, "grpc.sock");
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return {
    authority: `unix:${path}`,
    failure: () => failure,
    async [Symbol.asyncDispose]() {
      // what is open is ended by its HTTP/2 session when its last stream has ended
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function endpointOf(url: URL): URL {
  const base = url.href.endsWith("/") ? url.href : `${url.href}/`;
  return new URL(`.${WEBSOCKET_PATH}`, base);
}
