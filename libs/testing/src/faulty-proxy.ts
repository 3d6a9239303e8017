import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

type Mode = "open" | "silent" | "refusing";

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** A TCP proxy that can misbehave as networks do. */
export class FaultyProxy implements AsyncDisposable {
  readonly #server: Server;
  #target: { host: string; port: number };
  readonly #pairs = new Set<Pair>();
  #mode: Mode = "open";
  #delayMs = 0;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Listens on a free port of 127.0.0.1 in front of the target. */
  static async start(target: { host: string; port: number }): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // it listens on TCP
  }

  /** The same URL, through this proxy. */
  through(url: string): string {
    const moved = new URL(url);
    moved.hostname = "127.0.0.1";
    moved.port = String(this.port);
    return moved.href;
  }

  /** Sends new connections elsewhere; those that are open stay as they are. */
  aim(target: { host: string; port: number }): void {
    this.#target = target;
    this.#mode = "open";
  }

  /** How many connections pass now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Ends every connection; new ones are taken. */
  cut(): void {
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
  }

  /** Ends every connection and takes no new one until `heal`. */
  refuse(): void {
    this.#mode = "refusing";
    this.cut();
  }

  /** Half-open: nothing passes and nobody is told; new connections are taken and hear nothing. */
  silence(): void {
    this.#mode = "silent";
    for (const { client, upstream } of this.#pairs) {
      client.pause();
      upstream.pause();
    }
  }

  /** Delays what passes by so much each way. */
  slow(ms: number): void {
    this.#delayMs = ms;
  }

  /** Behaves again; what was held back by `silence` passes. */
  heal(): void {
    this.#mode = "open";
    this.#delayMs = 0;
    for (const { client, upstream } of this.#pairs) {
      client.resume();
      upstream.resume();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    if (this.#mode === "refusing") {
      client.destroy();
      return;
    }
    const upstream = connect({ ...this.#target, noDelay: true });
    client.setNoDelay(true);
    const pair = { client, upstream };
    this.#pairs.add(pair);
    this.#forward(client, upstream, pair);
    this.#forward(upstream, client, pair);
    if (this.#mode === "silent") this.silence();
  }

  #forward(from: Socket, to: Socket, pair: Pair): void {
    let last = Promise.resolve();
    from.on("data", (chunk) => {
      if (this.#delayMs === 0) {
        if (!to.write(chunk)) from.pause();
        return;
      }
      const later = delay(this.#delayMs);
      last = last.then(() => later).then(() => void to.write(chunk)); // each by its own delay, in order
    });
    to.on("drain", () => this.#mode === "open" && from.resume());
    from.on("error", () => to.destroy());
    from.on("end", () => void last.then(() => to.end()));
    from.on("close", () => {
      to.destroySoon();
      this.#pairs.delete(pair);
    });
  }
}
