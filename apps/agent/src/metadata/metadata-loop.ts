import { sleep } from "@berth/std";
import { agent, msFromDuration } from "@berth/contract";
import type { NumberedMessage } from "../plane/outbox.ts";
import type { Workplace } from "../processes/workplace.ts";
import { collect } from "./collect.ts";

/** Results of items that are due together leave together. */
const GATHER_MS = 1_000;

export interface MetadataOptions {
  readonly workplace: Workplace;
  readonly send: (message: NumberedMessage) => void;
  /** False while too much waits already: a figure that is not sent is followed by a fresher one. */
  readonly hasRoom: () => boolean;
}

/** Measures what the template wants to be shown of a workspace, each item at its own interval. */
export class MetadataLoop implements Disposable {
  readonly #options: MetadataOptions;
  readonly #results = new Map<string, agent.MetadataResult>();
  #items = "";
  #following = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MetadataOptions) {
    this.#options = options;
  }

  /** Takes over the items of a manifest; the same as before go on undisturbed. */
  follow(items: readonly agent.AgentMetadata[]): void {
    const text = JSON.stringify(items.map((item) => agent.AgentMetadata.toJSON(item)));
    if (text === this.#items) return;
    this.#items = text;
    this.#following.abort();
    this.#following = new AbortController();
    for (const item of items) void this.#repeat(item, this.#following.signal);
  }

  [Symbol.dispose](): void {
    this.#following.abort();
    clearTimeout(this.#timer);
  }

  async #repeat(item: agent.AgentMetadata, signal: AbortSignal): Promise<void> {
    const intervalMs = item.interval === undefined ? 0 : msFromDuration(item.interval);
    const isOver = () => signal.aborted;
    while (!isOver()) {
      const began = performance.now();
      const result = await collect(item, this.#options.workplace);
      if (isOver()) return;
      this.#results.set(item.key, result);
      this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
      if (intervalMs <= 0) return; // measured once
      await sleep(Math.max(0, Math.max(GATHER_MS, intervalMs) - (performance.now() - began)), signal);
    }
  }

  #flush(): void {
    this.#timer = undefined;
    const results = [...this.#results.values()];
    if (!this.#options.hasRoom()) return void (this.#timer = setTimeout(() => this.#flush(), GATHER_MS));
    this.#results.clear();
    if (results.length > 0) this.#options.send({ $case: "metadata", value: { results } });
  }
}
