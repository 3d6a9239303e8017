import type { relay } from "@berth/contract";
import type { KnownClient, RelayDirectory } from "../forwarder.ts";
import type { PresenceWatcher } from "../relay.ts";

/** Most keys in one message: 4 MiB is what a gRPC client reads. */
const KEYS_PER_MESSAGE = 20_000;

/** Where a feed goes. */
export interface PresenceSink {
  send(kind: "snapshot" | "change", presence: relay.Presence): boolean;
  writable(): Promise<void>;
}

/**
 * Tells one sibling which keys are here: one snapshot, then changes, collected until the end of the event-loop turn or until
 * the sibling takes more. What changed twice is told once, as it is then.
 */
export class PresenceFeed implements PresenceWatcher {
  readonly #sink: PresenceSink;
  #changed = new Set<KnownClient>();
  #scheduled = false;

  /** Sends the snapshot at once; changes follow from now on. */
  constructor(directory: RelayDirectory, sink: PresenceSink) {
    this.#sink = sink;
    const local = [...directory.local()];
    sink.send("snapshot", presenceOf(local.slice(0, KEYS_PER_MESSAGE)));
    for (let at = KEYS_PER_MESSAGE; at < local.length; at += KEYS_PER_MESSAGE)
      sink.send("change", presenceOf(local.slice(at, at + KEYS_PER_MESSAGE)));
  }

  changed(client: KnownClient): void {
    this.#changed.add(client);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    const changed = [...this.#changed];
    this.#changed = new Set();
    this.#scheduled = false;
    let takesMore = true;
    for (let at = 0; at < changed.length; at += KEYS_PER_MESSAGE)
      takesMore = this.#sink.send("change", presenceOf(changed.slice(at, at + KEYS_PER_MESSAGE)));
    if (takesMore) return;
    this.#scheduled = true;
    await this.#sink.writable();
    await this.#flush();
  }
}

/** A key that left and came again within a turn is in both lists: `gone` is read first. */
function presenceOf(clients: readonly KnownClient[]): relay.Presence {
  const now = performance.now();
  const present: relay.KeyPresence[] = [];
  const gone: Buffer[] = [];
  for (const client of clients) {
    if (client.active === undefined) gone.push(client.key);
    else present.push({ key: client.key, idleMs: Math.max(0, Math.round(now - client.active.spokeAt)) });
  }
  return { present, gone };
}
