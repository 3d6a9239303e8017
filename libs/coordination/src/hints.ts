import { messageOf } from "@berth/std";
import type { Database, Notification, Queryable } from "@berth/database";
import type { Logger } from "@berth/telemetry";
import type { Hints } from "./types.ts";

const TICK_MS = 5_000;
/** At most 20 a second per channel: pg_notify takes a lock of the whole database at commit. */
const COALESCE_MS = 50;
/** Postgres takes 8,000 bytes. */
const PAYLOAD_BYTES = 7_500;
/** Stands for more ids than fit: everybody who waits on the channel wakes. */
const EVERYBODY = "*";

interface Waiter {
  readonly id: string | undefined;
  readonly wake: () => void;
}

/** Hints over LISTEN and NOTIFY: one listening connection per process, one LISTEN per channel. */
export class PostgresHints implements Hints, Disposable {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #channels = new Map<string, { readonly waiters: Set<Waiter>; listening?: Disposable }>();
  readonly #soon = new Map<string, { readonly ids: Set<string>; timer?: NodeJS.Timeout }>();

  constructor(database: Database, log: Logger) {
    this.#database = database;
    this.#log = log;
  }

  next(
    channel: string,
    { id, tickMs = TICK_MS, signal }: { id?: string; tickMs?: number; signal?: AbortSignal } = {},
  ): Promise<void> {
    const { waiters } = this.#channel(channel);
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        waiters.delete(waiter);
        resolve();
      };
      const waiter = { id, wake };
      const timer = setTimeout(wake, tickMs);
      signal?.addEventListener("abort", wake);
      waiters.add(waiter);
      if (signal?.aborted === true) wake();
    });
  }

  async notify(sql: Queryable, channel: string, id: string): Promise<void> {
    await sql`select pg_notify(${channel}, ${id})`;
  }

  notifySoon(channel: string, id: string): void {
    const soon = this.#soon.get(channel) ?? { ids: new Set() };
    this.#soon.set(channel, soon);
    soon.ids.add(id);
    soon.timer ??= setTimeout(() => void this.#flush(channel), COALESCE_MS);
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#soon.values()) clearTimeout(timer);
    for (const { waiters, listening } of this.#channels.values()) {
      listening?.[Symbol.dispose]();
      for (const { wake } of [...waiters]) wake();
    }
  }

  #channel(name: string) {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const channel: { waiters: Set<Waiter>; listening?: Disposable } = { waiters: new Set() };
    this.#channels.set(name, channel);
    const hear = (hint: Notification) => wakeWaiters(channel.waiters, hint);
    this.#database.listen(name, hear).then(
      (listening) => {
        channel.listening = listening;
        hear({ kind: "dropped" }); // whoever armed before this was not heard yet
      },
      // the connection is rebuilt, and listens to this channel too
      (error: unknown) => this.#log.debug("listening failed", { channel: name, reason: messageOf(error) }),
    );
    return channel;
  }

  async #flush(channel: string): Promise<void> {
    const ids = this.#soon.get(channel)?.ids ?? [];
    this.#soon.delete(channel);
    const joined = [...ids].join(",");
    const payload = Buffer.byteLength(joined) > PAYLOAD_BYTES ? EVERYBODY : joined;
    try {
      await this.notify(this.#database.sql, channel, payload);
    } catch (error) {
      this.#log.debug("a hint was lost", { channel, reason: messageOf(error) }); // readers have their tick
    }
  }
}

function wakeWaiters(waiters: ReadonlySet<Waiter>, hint: Notification): void {
  const ids = hint.kind === "notified" && hint.payload !== EVERYBODY ? hint.payload.split(",") : undefined;
  for (const { id, wake } of [...waiters])
    if (id === undefined || ids === undefined || ids.includes(id)) wake();
}
