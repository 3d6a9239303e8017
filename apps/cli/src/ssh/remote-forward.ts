import { connect, type Socket } from "node:net";
import { CodedError } from "@berth/std";
import type { Client, ClientChannel } from "ssh2";

/** A port of the workspace whose connections lead to an address as this computer sees it (`ssh -R`). */
export interface RemoteForward {
  readonly port: number;
  readonly to: { readonly host: string; readonly port: number };
}

/** Reads `port:address:port`. @throws CodedError invalid_argument that shows how it is written. */
export function parseRemoteForward(text: string): RemoteForward {
  const [, remote = "", address = "", local = ""] = /^(\d+):(.+):(\d+)$/.exec(text) ?? [];
  const [port, to] = [Number(remote), Number(local)];
  const isPort = (number: number) => number > 0 && number < 65_536;
  if (isPort(port) && isPort(to))
    return { port, to: { host: address.replace(/^\[(.+)\]$/, "$1"), port: to } };
  throw new CodedError(
    "invalid_argument",
    `"${text}" is no remote forwarding: write <port there>:<address>:<port>, such as 8080:localhost:3000`,
  );
}

// both names of localhost lead to it, and nobody outside the workspace does
const LOOPBACK = "127.0.0.1";

/** Listens in the workspace as long as the client lasts. @throws CodedError when a port there cannot be had. */
export async function forwardRemote(client: Client, forwards: readonly RemoteForward[]): Promise<void> {
  client.on("tcp connection", ({ destPort }, accept, reject) => {
    const forward = forwards.find(({ port }) => port === destPort);
    if (forward === undefined) return reject();
    const socket = connect({ ...forward.to, allowHalfOpen: true, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      join(accept(), socket);
    });
  });
  for (const { port } of forwards) await listen(client, port);
}

function listen(client: Client, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.forwardIn(LOOPBACK, port, (cause) => {
      if (cause === undefined) resolve();
      else
        reject(
          new CodedError(
            "failed_precondition",
            `port ${port} of the workspace cannot be listened on: does a program there hold it? Give another`,
            { cause },
          ),
        );
    });
  });
}

/** Each end is passed on by itself: who has sent all may still be answered. */
function join(channel: ClientChannel, socket: Socket): void {
  socket.on("error", () => channel.close());
  channel.on("close", () => socket.destroySoon()); // what came last is still written
  channel.pipe(socket).pipe(channel);
}
