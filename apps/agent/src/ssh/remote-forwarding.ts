import { rm } from "node:fs/promises";
import { createServer, type ListenOptions, type Server, type Socket } from "node:net";
import type { Connection, ServerChannel } from "ssh2";
import { joinChannel } from "./forwarding.ts";

type Accept = ((chosenPort?: number) => void) | undefined;
type Reject = (() => void) | undefined;
type OpenChannel = (socket: Socket, take: (error: Error | undefined, channel: ServerChannel) => void) => void;

/** Listeners on this host whose connections go to the client (`ssh -R`), ended with it. */
export class RemoteForwarding {
  readonly #client: Connection;
  readonly #gone: AbortSignal;
  readonly #servers = new Map<string, Server>();

  constructor(client: Connection, gone: AbortSignal) {
    this.#client = client;
    this.#gone = gone;
    gone.addEventListener("abort", () => this.#servers.forEach((server) => server.close()), { once: true });
  }

  tcp(address: string, port: number, accept: Accept, reject: Reject): void {
    const host = address === "" || address === "*" ? undefined : address;
    const server = this.#server((socket, take) => {
      const { remoteAddress = "127.0.0.1", remotePort = 0 } = socket;
      this.#client.forwardOut(address, portOf(server), remoteAddress, remotePort, take);
    });
    this.#listen(server, host === undefined ? { port } : { port, host }, reject, () => {
      this.#servers.set(`tcp ${address} ${portOf(server)}`, server);
      accept?.(portOf(server));
    });
  }

  unix(path: string, accept: Accept, reject: Reject): void {
    const server = this.#server((_socket, take) => this.#client.openssh_forwardOutStreamLocal(path, take));
    const listen = () =>
      this.#listen(server, { path }, reject, () => {
        this.#servers.set(`unix ${path}`, server);
        accept?.();
      });
    rm(path, { force: true }).then(listen, () => reject?.()); // a socket that an earlier session left
  }

  cancelTcp(address: string, port: number, accept: Accept, reject: Reject): void {
    this.#cancel(`tcp ${address} ${port}`, accept, reject);
  }

  cancelUnix(path: string, accept: Accept, reject: Reject): void {
    this.#cancel(`unix ${path}`, accept, reject);
  }

  #server(open: OpenChannel): Server {
    return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on("error", () => socket.destroy());
      open(socket, (error, channel) => {
        if (error === undefined) joinChannel(channel, socket, this.#gone);
        else socket.destroy();
      });
    });
  }

  #listen(server: Server, where: ListenOptions, reject: Reject, listening: () => void): void {
    server.once("error", () => reject?.());
    server.listen(where, () => {
      if (this.#gone.aborted) server.close();
      listening();
    });
  }

  #cancel(key: string, accept: Accept, reject: Reject): void {
    const server = this.#servers.get(key);
    if (server === undefined) return reject?.();
    this.#servers.delete(key);
    server.close();
    accept?.();
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
