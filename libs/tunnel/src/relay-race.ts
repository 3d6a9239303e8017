import { CodedError } from "@berth/std";
import type { RelayLink } from "./relay-link.ts";
import type { RelayAddress } from "./types.ts";

/** An address that has not answered for so long is given a rival; it may still win. */
const RIVAL_AFTER_MS = 2_500;
const MAX_RIVALS = 3;
/** No attempt lasts longer: several slow round trips fit. */
const ATTEMPT_MS = 30_000;

type Open = (address: RelayAddress, signal: AbortSignal) => Promise<RelayLink>;

/**
 * Connects to the first address that answers. The next one is tried as soon as one fails, or is slow; a single address is
 * tried again beside itself when it is slow, for behind it may be a balancer with one dead relay.
 * @throws what the last attempt threw, when all have failed
 */
export function raceLinks(
  addresses: readonly RelayAddress[],
  open: Open,
  signal: AbortSignal,
): Promise<RelayLink> {
  if (addresses.length === 0)
    return Promise.reject(new CodedError("failed_precondition", "connecting to a relay: none is known"));
  const race = new Race(addresses, open, signal);
  return race.result;
}

class Race {
  readonly #addresses: readonly RelayAddress[];
  readonly #open: Open;
  readonly #over = new AbortController();
  readonly #won = Promise.withResolvers<RelayLink>();
  #started = 0;
  #running = 0;
  #rival: NodeJS.Timeout | undefined;

  constructor(addresses: readonly RelayAddress[], open: Open, signal: AbortSignal) {
    this.#addresses = addresses;
    this.#open = open;
    const abort = () =>
      this.#settle(() => this.#won.reject(new CodedError("cancelled", "connecting: given up")));
    signal.addEventListener("abort", abort, { once: true });
    this.#over.signal.addEventListener("abort", () => signal.removeEventListener("abort", abort));
    if (signal.aborted) abort();
    else this.#start();
  }

  get result(): Promise<RelayLink> {
    return this.#won.promise;
  }

  #start(): void {
    const address = this.#addresses[this.#started % this.#addresses.length];
    if (address === undefined) return;
    this.#started += 1;
    this.#running += 1;
    clearTimeout(this.#rival);
    if (this.#started < Math.max(MAX_RIVALS, this.#addresses.length))
      this.#rival = setTimeout(() => this.#start(), RIVAL_AFTER_MS);
    const attempt = AbortSignal.any([this.#over.signal, AbortSignal.timeout(ATTEMPT_MS)]);
    this.#open(address, attempt).then(
      (link) => this.#win(link),
      (error: unknown) => this.#lose(error),
    );
  }

  #win(link: RelayLink): void {
    if (this.#over.signal.aborted) return void link.close(); // another was sooner
    this.#settle(() => this.#won.resolve(link));
  }

  #lose(error: unknown): void {
    this.#running -= 1;
    if (this.#over.signal.aborted) return;
    if (this.#started < this.#addresses.length) this.#start();
    else if (this.#running === 0) this.#settle(() => this.#won.reject(error));
  }

  #settle(settle: () => void): void {
    if (this.#over.signal.aborted) return;
    clearTimeout(this.#rival);
    settle();
    this.#over.abort();
  }
}
