import type { Duplex } from "node:stream";
import { messageOf, version } from "@berth/std";
import type { Logger } from "@berth/telemetry";
import ssh2, { type ClientInfo, type Connection, type SocketBindInfo, type TcpipBindInfo } from "ssh2";
import type { Workplace } from "../processes/workplace.ts";
import { within } from "../within.ts";
import { forwardTo } from "./forwarding.ts";
import type { HostKey } from "./host-key.ts";
import { RemoteForwarding } from "./remote-forwarding.ts";
import { type SessionKind, SshSession } from "./ssh-session.ts";

/** chacha20 and everything else that needs ssh2's native part is left out: it does not work on this Node. */
const CIPHERS = [
  "aes128-gcm@openssh.com",
  "aes256-gcm@openssh.com",
  "aes128-ctr",
  "aes192-ctr",
  "aes256-ctr",
] as const;

/** Whether the peer still lives is the tunnel's to say: it keeps a session through minutes of silence. */
const NEVER_MS = 0x7fffffff;

const LAST_BYTES_MS = 1_000;

export interface SshServerOptions {
  readonly hostKey: HostKey;
  readonly workplace: Workplace;
  readonly log: Logger;
}

/** Speaks SSH over any byte stream. Nobody proves who they are here: who holds the stream has shown a ticket for it. */
export class SshServer {
  readonly #options: SshServerOptions;
  readonly #server: ssh2.Server;
  readonly #clients = new Set<Duplex>();
  readonly #working = new Map<SessionKind, number>();

  constructor(options: SshServerOptions) {
    this.#options = options;
    this.#server = new ssh2.Server(
      {
        hostKeys: [options.hostKey.privateKey],
        ident: `Berth_${version.replaceAll(/[^\w.]/g, "_")}`,
        algorithms: { cipher: [...CIPHERS], compress: ["none"] },
        keepaliveInterval: NEVER_MS,
        keepaliveCountMax: NEVER_MS,
      },
      (client, clientInfo) => this.#welcome(client, clientInfo),
    );
  }

  /** Sessions at work now. */
  count(kind: SessionKind): number {
    return this.#working.get(kind) ?? 0;
  }

  /** Serves one client until it or the stream ends. */
  serve(stream: Duplex): void {
    this.#clients.add(stream);
    const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
    void closed.then(() => this.#clients.delete(stream));
    stream.once("end", () => {
      stream.end(); // SSH has no half-closed connections: a client that has ended its side has gone,
      void within(LAST_BYTES_MS, closed).then(() => stream.destroy()); // and may read no more of what waits for it
    });
    // ssh2 asks for a socket and uses no more of it than a duplex has
    const inject: (stream: Duplex) => void = this.#server.injectSocket.bind(this.#server) as never;
    inject(stream);
  }

  /** Ends every client. */
  close(): void {
    for (const stream of this.#clients) stream.destroy();
  }

  #welcome(client: Connection, { header }: ClientInfo): void {
    const gone = new AbortController();
    const { log, workplace } = this.#options;
    client.on("close", () => gone.abort());
    client.on("end", () => client.end());
    client.on("error", (error) => log.debug("ssh client's connection", { reason: messageOf(error) }));
    client.on("authentication", (attempt) => attempt.accept());
    const openSsh = /^(OpenSSH|dropbear)/.test(header.versions.software);
    client.on("session", (accept) => {
      new SshSession(accept(), {
        workplace,
        log,
        openSsh,
        gone: gone.signal,
        onWork: (kind, done) => this.#count(kind, done),
      });
    });
    this.#forward(client, gone.signal);
  }

  #forward(client: Connection, gone: AbortSignal): void {
    client.on("tcpip", (accept, reject, { destIP, destPort }) =>
      forwardTo({ host: destIP, port: destPort }, accept, reject, gone),
    );
    client.on("openssh.streamlocal", (accept, reject, { socketPath }) =>
      forwardTo({ path: socketPath }, accept, reject, gone),
    );
    const remote = new RemoteForwarding(client, gone);
    client.on("request", (accept, reject, name: string, request: TcpipBindInfo | SocketBindInfo) => {
      if ("socketPath" in request) {
        if (name.startsWith("cancel")) return remote.cancelUnix(request.socketPath, accept, reject);
        return remote.unix(request.socketPath, accept, reject);
      }
      if (name.startsWith("cancel"))
        return remote.cancelTcp(request.bindAddr, request.bindPort, accept, reject);
      return remote.tcp(request.bindAddr, request.bindPort, accept, reject);
    });
  }

  #count(kind: SessionKind, done: Promise<void>): void {
    this.#working.set(kind, this.count(kind) + 1);
    void done.then(() => this.#working.set(kind, this.count(kind) - 1));
  }
}
