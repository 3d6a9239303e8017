import { generateKeyPairSync, randomUUID } from "node:crypto";
import { messageOf, sleep } from "@berth/std";
import type { Database, Sql, TransactionSql } from "@berth/database";
import type { Logger } from "@berth/telemetry";
import { currentOf, nextKey, PERIODS, type RotationPeriods } from "./key-rotation.ts";
import type { Hints, SigningKey, SigningKeys } from "./types.ts";

const CHANGED = "signing_key_changed";
const REFRESH_MS = 600_000;

interface Row {
  readonly id: string;
  readonly publicKey: Buffer;
  readonly privateKey: Buffer;
  readonly startsAt: Date;
  readonly expiresAt: Date;
  readonly [column: string]: unknown;
}

/** What keeping signing keys needs; the periods are shorter in tests. */
export interface SigningKeyContext {
  readonly database: Database;
  readonly hints: Hints;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly periods?: RotationPeriods;
}

/** The deployment's signing keys, rotated by whichever replica looks first. With the database away, the last known stand. */
export class RotatedSigningKeys implements SigningKeys {
  readonly #context: SigningKeyContext;
  readonly #hearers = new Set<() => void>();
  #keys: readonly SigningKey[] = [];
  /** The database's time less our monotonic clock's. */
  #offset = 0;

  private constructor(context: SigningKeyContext) {
    this.#context = context;
  }

  /** Resolves once there is a key to sign with; refreshes until the signal is aborted. */
  static async open(context: SigningKeyContext): Promise<RotatedSigningKeys> {
    const keys = new RotatedSigningKeys(context);
    await keys.#refresh();
    void keys.#follow();
    return keys;
  }

  current(): SigningKey {
    const current = currentOf(this.#keys, this.#now());
    if (current === undefined) throw new Error("signing: no key has started");
    return current;
  }

  all(): readonly SigningKey[] {
    const now = this.#now();
    return this.#keys.filter((key) => key.expiresAt.getTime() > now);
  }

  onChange(hear: () => void): Disposable {
    const heard = () => hear();
    this.#hearers.add(heard);
    return { [Symbol.dispose]: () => void this.#hearers.delete(heard) };
  }

  #now(): number {
    return performance.now() + this.#offset;
  }

  async #follow(): Promise<void> {
    const { hints, log, signal } = this.#context;
    while (!signal.aborted) {
      const hint = hints.next(CHANGED, { tickMs: REFRESH_MS, signal });
      try {
        await this.#refresh();
      } catch (error) {
        log.warn("signing keys could not be read", { reason: messageOf(error) });
        await sleep(5_000, signal);
        continue;
      }
      await hint;
    }
  }

  async #refresh(): Promise<void> {
    const { database, hints, periods = PERIODS } = this.#context;
    let now = await this.#read(database.sql);
    if (nextKey(this.#keys, now, periods) === undefined) return;
    await database.transaction(async (sql) => {
      await sql`select pg_advisory_xact_lock(hashtextextended('coordination.signing_key', 0))`;
      const keys = await readKeys(sql);
      const times = nextKey(keys.keys, keys.now, periods);
      if (times === undefined) return;
      await insertKey(sql, times);
      await hints.notify(sql, CHANGED, "");
    });
    now = await this.#read(database.sql);
    await database.sql`delete from coordination.signing_key where expires_at < ${new Date(now)}`;
  }

  async #read(sql: Sql): Promise<number> {
    const { keys, now } = await readKeys(sql);
    this.#offset = now - performance.now();
    const changed = keys.map(({ id }) => id).join() !== this.#keys.map(({ id }) => id).join();
    this.#keys = keys;
    if (changed) for (const hear of this.#hearers) hear();
    return now;
  }
}

async function readKeys(sql: Sql | TransactionSql): Promise<{ keys: readonly SigningKey[]; now: number }> {
  const keys = await sql<Row[]>`
    select id, public_key as "publicKey", private_key as "privateKey", starts_at as "startsAt",
           expires_at as "expiresAt"
    from coordination.signing_key order by starts_at`;
  const [clock] = await sql<{ now: Date }[]>`select now() as now`;
  return { keys, now: clock?.now.getTime() ?? Date.now() };
}

async function insertKey(sql: TransactionSql, times: { startsAt: Date; expiresAt: Date }): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32); // the last 32 bytes are the key itself
  await sql`
    insert into coordination.signing_key (id, public_key, private_key, starts_at, expires_at)
    values (${randomUUID()}, ${raw}, ${privateKey.export({ type: "pkcs8", format: "der" })},
            ${times.startsAt}, ${times.expiresAt})`;
}
