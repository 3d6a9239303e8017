import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** As much memory as a young collection may leave unused: about what a processor's cache holds. */
const EVERY_BYTES = 16 * 1024 * 1024;

type Collect = ((options: { type: "minor" }) => void) | undefined;

/**
 * Collects the young generation each time so many bytes of chunks have come and gone. Chunks live outside V8's heap, so a
 * relay that allocates little else is collected late and whole, and reads into cold memory all the while: this halves the
 * relay's cost per packet (measured by bench/relay.mjs, with and without).
 */
export class YoungCollection {
  readonly #collect: Collect = exposeCollection();
  #bytes = 0;

  /** So many bytes were allocated for a short time. */
  churned(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < EVERY_BYTES) return;
    this.#bytes = 0;
    this.#collect?.({ type: "minor" });
  }
}

/** The function that `node --expose-gc` would make global, without making it so; undefined where V8 offers none. */
function exposeCollection(): Collect {
  setFlagsFromString("--expose-gc");
  return runInNewContext("typeof gc === 'function' ? gc : undefined") as Collect; // a function of V8's own
}
