import { KEY_BYTES } from "@berth/derp";

/** What an index holds: something that a 32-byte key stands for. */
export interface Keyed {
  readonly key: Buffer;
}

/** Whether the 32 bytes of `buffer` at `at` are the key. A loop: quicker than Buffer.compare at this size. */
export function isKeyAt(key: Buffer, buffer: Buffer, at: number): boolean {
  for (let byte = 0; byte < KEY_BYTES; byte += 1) if (key[byte] !== buffer[at + byte]) return false;
  return true;
}

/** Slots of the direct-mapped cache: a power of two. */
const SLOTS = 4096;

/**
 * Finds what a key at some place of a received buffer stands for. A direct-mapped cache answers most look-ups without
 * making a string of the key (ten times quicker than the map behind it).
 */
export class KeyIndex<T extends Keyed> {
  readonly #all = new Map<string, T>();
  readonly #slots: (T | undefined)[] = new Array<T | undefined>(SLOTS).fill(undefined);

  get size(): number {
    return this.#all.size;
  }

  values(): MapIterator<T> {
    return this.#all.values();
  }

  /** The entry whose key stands at `at`. */
  find(buffer: Buffer, at: number): T | undefined {
    const slot = slotOf(buffer, at);
    const cached = this.#slots[slot];
    if (cached !== undefined && isKeyAt(cached.key, buffer, at)) return cached;
    const found = this.#all.get(buffer.toString("latin1", at, at + KEY_BYTES));
    if (found !== undefined) this.#slots[slot] = found;
    return found;
  }

  add(entry: T): void {
    this.#all.set(entry.key.toString("latin1"), entry);
  }

  remove(entry: T): void {
    this.#all.delete(entry.key.toString("latin1"));
    const slot = slotOf(entry.key, 0);
    if (this.#slots[slot] === entry) this.#slots[slot] = undefined;
  }
}

/** Public keys are as good as random, so any two bytes will do. */
function slotOf(buffer: Buffer, at: number): number {
  return ((buffer[at] ?? 0) | ((buffer[at + 1] ?? 0) << 8)) & (SLOTS - 1);
}
