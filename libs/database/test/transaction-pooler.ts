import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Frames } from "../src/frames.ts";

/** One connection to Postgres, lent to a client for a transaction. */
interface Lent {
  readonly socket: Socket;
  client: Socket | undefined;
}

/**
 * A pooler in transaction mode, as far as clients can tell one from Postgres: each logs in by a connection of its own, which
 * then belongs to all; a statement goes to the server that was used last, and that is free again when its transaction ends.
 */
export class TransactionPooler implements AsyncDisposable {
  readonly #target: { host: string; port: number };
  readonly #server: Server;
  readonly #free: Lent[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(target: { host: string; port: number }): Promise<TransactionPooler> {
    const pooler = new TransactionPooler(target);
    await new Promise<void>((resolve) => pooler.#server.listen(0, "127.0.0.1", resolve));
    return pooler;
  }

  /** The same URL, through the pooler. */
  through(url: string): string {
    const moved = new URL(url);
    moved.port = String((this.#server.address() as AddressInfo).port);
    return moved.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    this.#keep(client);
    let lent: Lent | undefined = this.#dial(client);
    client.on("data", (chunk) => {
      if (lent?.client !== client) lent = this.#free.pop() ?? this.#dial(client);
      lent.client = client;
      if (chunk[0] !== TERMINATE) lent.socket.write(chunk);
    });
    client.on("close", () => lent?.client === client && lent.socket.destroy());
  }

  #dial(client: Socket): Lent {
    const socket = connect(this.#target);
    this.#keep(socket);
    const lent: Lent = { socket, client };
    const frames = new Frames("server", "Z", (_, status) => {
      if (status.toString() !== "I") return;
      setImmediate(() => {
        lent.client = undefined;
        this.#free.push(lent);
      });
    });
    socket.on("data", (chunk) => {
      lent.client?.write(chunk);
      frames.scan(chunk);
    });
    return lent;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
  }
}

/** The type of the frame by which a client takes its leave; the server stays. */
const TERMINATE = "X".charCodeAt(0);
