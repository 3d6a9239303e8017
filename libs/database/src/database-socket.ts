import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers";
import { setImmediate } from "node:timers/promises";
import { messageOf } from "@berth/std";
import type { DatabaseAddress } from "./address.ts";
import { connectionFault, DatabaseError } from "./database-error.ts";
import { dial } from "./dial.ts";
import { errorFields, Frames } from "./frames.ts";

const CONNECT_MS = 5_000;

/** How far a connection had come when it was lost. */
export type LostAt = "dialing" | "log-in" | "work";

/** What a socket does besides carrying bytes. */
export interface SocketOptions {
  /** How long a statement may hear nothing; without limit unless told. */
  readonly silenceMs?: number | undefined;
  /** Called when a connection is lost, or cannot be made, before anybody else hears of it. */
  readonly onLost?: (fault: DatabaseError, at: LostAt) => void;
  /** Instead of dialing: the server was not reached a moment ago. */
  readonly fault?: DatabaseError | undefined;
}

/**
 * The stream under one connection, for either driver. What the drivers lack happens here, on the wire:
 *   S1  Connecting and logging in are over within 5 s; a statement hears something within `silenceMs`, or all ends.
 *   S2  A server that says at log-in that it cannot write is refused.
 *   S3  An error that concerns the connection ends it, as a DatabaseError, which callers may retry.
 *   S4  The pool hears of a loss before the driver does, so that nothing is begun on what is going.
 */
export class DatabaseSocket extends Duplex {
  readonly #address: DatabaseAddress;
  readonly #silenceMs: number | undefined;
  readonly #onLost: SocketOptions["onLost"];
  readonly #refusal: DatabaseError | undefined;
  readonly #sent: Frames;
  readonly #received: Frames;
  #wire: Socket | undefined;
  #loggedIn = false;
  #unanswered = 1; // the log-in
  #answers = 0;
  #timer: NodeJS.Timeout | undefined;
  #fault: DatabaseError | undefined;
  #idle = false;
  #retired: DatabaseError | undefined;
  #pid: number | undefined;

  constructor(address: DatabaseAddress, { silenceMs, onLost, fault }: SocketOptions) {
    super();
    this.#address = address;
    this.#silenceMs = silenceMs;
    this.#onLost = onLost;
    this.#refusal = fault;
    this.#sent = new Frames("client", "SQ", () => (this.#unanswered += 1));
    this.#received = new Frames("server", "SEZK", (type, body) => this.#hear(type, body));
    this.on("error", () => undefined); // the driver listens only after a while, and not to the end
  }

  /** The server's process for this session, as it told at log-in. */
  get backendPid(): number | undefined {
    return this.#pid;
  }

  /** Logged in, with no statement and no transaction on it. */
  get isIdle(): boolean {
    return this.#idle;
  }

  /** S4 */
  lose(fault: DatabaseError): void {
    if (this.destroyed) return;
    this.#onLost?.(fault, this.#loggedIn ? "work" : "log-in");
    this.destroy(fault);
  }

  /** To be ended as soon as nothing runs on it; whoever would still begin something there is told the fault. */
  retire(fault: DatabaseError): void {
    this.#retired ??= fault;
    this.#endIfRetired();
  }

  /** For pg, which connects its stream itself: ours is dialing since it was made. */
  connect(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    this.#wire?.ref();
    return this;
  }

  unref(): this {
    this.#wire?.unref();
    return this;
  }

  get readyState(): "opening" | "open" | "closed" {
    if (this.destroyed) return "closed";
    return this.#wire === undefined ? "opening" : "open";
  }

  override _construct(done: (error?: Error | null) => void): void {
    this.#dial().then(
      (wire) => {
        this.#attach(wire);
        done();
        this.emit("connect");
      },
      (error: unknown) => {
        const fault =
          error instanceof DatabaseError ? error : new DatabaseError(messageOf(error), { cause: error });
        this.#onLost?.(fault, "dialing"); // S4
        done(error instanceof Error ? error : fault);
      },
    );
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#sent.scan(chunk);
    this.#idle = false;
    if (this.#timer === undefined) this.#arm();
    this.#wire?.write(chunk, done);
  }

  override _read(): void {
    this.#wire?.resume();
  }

  override _final(done: () => void): void {
    this.#wire?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#wire?.destroy();
    done(error);
  }

  async #dial(): Promise<Socket> {
    if (this.#refusal === undefined) return dial(this.#address, CONNECT_MS);
    await setImmediate(); // until the driver listens
    throw this.#refusal;
  }

  #attach(wire: Socket): void {
    this.#wire = wire;
    wire.setKeepAlive(true, 10_000);
    wire.on("error", (cause) => this.#end(`the connection to Postgres failed: ${cause.message}`, cause));
    wire.on("close", () => this.#end("Postgres closed the connection"));
    wire.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#arm();
  }

  #receive(chunk: Buffer): void {
    if (this.destroyed) return;
    this.#received.scan(chunk);
    if (this.#fault !== undefined) {
      this.lose(this.#fault); // S3: the driver hears our error, not the server's
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#unanswered > 0) this.#arm();
    if (!this.push(chunk)) this.#wire?.pause();
  }

  #hear(type: string, body: Buffer): void {
    if (type === "Z") {
      this.#loggedIn = true;
      this.#answers += 1;
      this.#unanswered = Math.max(0, this.#unanswered - 1);
      this.#idle = this.#unanswered === 0 && body.toString() === "I";
      this.#endIfRetired();
    }
    if (type === "K") this.#pid = body.readUInt32BE(0);
    if (type === "S" && !this.#loggedIn) this.#hearParameter(body);
    if (type !== "E") return;
    const fields = errorFields(body);
    this.#fault ??= connectionFault(fields.get("C") ?? "", fields.get("M") ?? "");
  }

  /** S2: since Postgres 14 a server tells these two at log-in. */
  #hearParameter(body: Buffer): void {
    const [name, value] = body.toString("utf8").split("\0");
    if (value !== "on" || (name !== "in_hot_standby" && name !== "default_transaction_read_only")) return;
    this.#fault ??= connectionFault("25006", `${name} is on`);
  }

  /** S1 */
  #arm(): void {
    const ms = this.#loggedIn ? this.#silenceMs : CONNECT_MS;
    if (ms === undefined) return;
    const timer = setTimeout(() => {
      // What came in while this process was busy or stopped is read before the verdict.
      nextTurn(() => {
        if (this.#timer === timer) this.#end(`Postgres did not answer within ${ms / 1000} s`);
      });
    }, ms);
    this.#timer = timer;
  }

  /**
   * The driver may have a next statement for it: so not before that would have been written, counted from this answer (the
   * next may have come meanwhile, and a statement after it).
   */
  #endIfRetired(): void {
    const fault = this.#retired;
    if (fault === undefined || !this.#idle) return;
    const answers = this.#answers;
    nextTurn(() =>
      nextTurn(() => {
        if (this.#idle && this.#answers === answers) this.destroy(fault);
      }),
    );
  }

  #end(what: string, cause?: unknown): void {
    const { host, port } = this.#address;
    if (this.destroyed) return;
    if (this.writableEnded) this.destroy();
    else this.lose(new DatabaseError(`${what} (${host}:${port})`, { cause }));
  }
}
