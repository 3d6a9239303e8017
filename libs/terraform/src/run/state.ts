import { readFile, stat } from "node:fs/promises";
import { toValue, isValues } from "../provider/value.ts";

const LOOK_MS = 100;
const AT_MOST_EVERY_MS = 500;
const AT_LEAST_EVERY_MS = 2000;
const HURRIED_READS = 40;

/** A state of Terraform, whole. */
export interface State {
  readonly bytes: Buffer;
  readonly lineage: string;
  readonly serial: number;
}

/** The state in the bytes; undefined when they are none, or one in the middle of being written. */
export function parseState(bytes: Buffer): State | undefined {
  try {
    const json = toValue(JSON.parse(bytes.toString("utf8")));
    if (!isValues(json)) return undefined;
    const { lineage, serial } = json;
    if (typeof lineage !== "string" || lineage === "" || typeof serial !== "number") return undefined;
    return { bytes, lineage, serial };
  } catch {
    return undefined; // torn: Terraform rewrites the file in place
  }
}

/** The state in a file; undefined when there is none, or a torn one. */
export async function readState(path: string): Promise<State | undefined> {
  try {
    return parseState(await readFile(path));
  } catch {
    return undefined; // not there yet
  }
}

/** Hears a state; settles when it may hear the next. */
export type OnState = (state: State) => Promise<void> | void;

/**
 * Watches the state that a running Terraform writes, and hears each one that is whole, of the same lineage and of a higher
 * serial: at most every 500 ms, and at least every 2 s while it changes, for which it reads until one read is not torn. While the
 * last one has not settled it looks for no other: of what came meanwhile, the newest counts.
 */
export class StateWatch implements AsyncDisposable {
  readonly #path: string;
  readonly #onState: OnState;
  #last: Pick<State, "lineage" | "serial"> | undefined;
  #heardAt = performance.now();
  #seen = "";
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(path: string, base: Pick<State, "lineage" | "serial"> | undefined, onState: OnState) {
    this.#path = path;
    this.#last = base;
    this.#onState = onState;
    this.#schedule();
  }

  /** Stops watching, after a last look. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#looking;
    void this.#offer(await readState(this.#path));
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().then(() => {
        if (this.#timer !== undefined) this.#schedule();
      });
    }, LOOK_MS);
  }

  async #look(): Promise<void> {
    const waited = performance.now() - this.#heardAt;
    if (waited < AT_MOST_EVERY_MS) return;
    const mark = await markOf(this.#path);
    if (mark === this.#seen) return;
    const reads = waited < AT_LEAST_EVERY_MS ? 1 : HURRIED_READS;
    for (let read = 0; read < reads; read += 1) {
      const state = await readState(this.#path);
      if (state === undefined) continue;
      this.#seen = mark;
      return this.#offer(state);
    }
  }

  async #offer(state: State | undefined): Promise<void> {
    if (state === undefined) return;
    if (
      this.#last !== undefined &&
      (state.lineage !== this.#last.lineage || state.serial <= this.#last.serial)
    )
      return;
    this.#last = state;
    this.#heardAt = performance.now();
    await this.#onState(state);
  }
}

async function markOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${ino}:${size}:${mtimeMs}`;
  } catch {
    return ""; // not there yet
  }
}
