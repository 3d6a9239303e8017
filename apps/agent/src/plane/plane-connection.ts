import { Backoff, CodedError, sleep } from "@berth/std";
import type { agent } from "@berth/contract";
import type { Logger } from "@berth/telemetry";
import { type LineEnd, type LineOptions, PlaneLine } from "./plane-line.ts";

/** Why an agent has no place in its control plane any more. */
export type PlaneEnd = "token_revoked" | "superseded" | "closed";

export interface PlaneOptions extends LineOptions {
  readonly log: Logger;
  /** How long a token may be unknown: its build reports it when it ends. */
  readonly unknownTokenMs?: number;
}

const UNKNOWN_TOKEN_MS = 10 * 60_000;

/**
 * Keeps one line to the control plane, wherever a replica answers. A line that breaks is opened anew after a jittered delay;
 * one that is asked to move is left only when its successor is up, and a successor that is asked to move at once, because no
 * other replica is there, takes longer and longer to look again.
 */
export class PlaneConnection {
  readonly #options: PlaneOptions;
  readonly #backoff = new Backoff();
  /** Apart from the other: a replica that asks too often must not make a line that is lost wait. */
  readonly #moving = new Backoff();
  readonly #closing = new AbortController();
  #line: PlaneLine | undefined;
  #unknownSince: number | undefined;

  constructor(options: PlaneOptions) {
    this.#options = options;
  }

  get roundTripMs(): number | undefined {
    return this.#line?.roundTripMs;
  }

  sendStats(stats: agent.Stats): void {
    this.#line?.sendStats(stats);
  }

  close(): void {
    this.#closing.abort();
    this.#line?.leave();
  }

  /**
   * Settles when there is nothing to come back to.
   * @throws CodedError unauthenticated when the token stays unknown
   */
  async run(): Promise<PlaneEnd> {
    while (!this.#closing.signal.aborted) {
      const end = await this.#hold(new PlaneLine(this.#options));
      if (end.kind === "token_revoked" || end.kind === "superseded") return end.kind;
      if (end.kind === "token_unknown") this.#tokenUnknown();
      const delayMs = this.#backoff.nextMs();
      if (end.kind !== "left")
        this.#options.log.info("line to the control plane is down", {
          reason: "reason" in end ? end.reason : end.kind,
          retryMs: Math.round(delayMs),
        });
      await sleep(delayMs, this.#closing.signal);
    }
    return "closed";
  }

  /** Holds a line and its successors until the last of them has ended. */
  async #hold(first: PlaneLine): Promise<LineEnd> {
    let line = first;
    for (;;) {
      const start = await this.#started(line);
      if (start !== undefined) return start;
      this.#line = line;
      if (this.#closing.signal.aborted) line.leave();
      const delivering = line.deliver();
      const end = await Promise.race([line.ended, line.moveAsked.then(() => this.#successor(line))]);
      if (!(end instanceof PlaneLine)) {
        await delivering;
        return end;
      }
      line.leave();
      await delivering;
      line = end;
    }
  }

  async #started(line: PlaneLine): Promise<LineEnd | undefined> {
    const stop = () => line.leave();
    this.#closing.signal.addEventListener("abort", stop, { once: true });
    if (this.#closing.signal.aborted) line.leave();
    const end = await Promise.race([line.up.then(() => undefined), line.ended]);
    this.#closing.signal.removeEventListener("abort", stop);
    if (end !== undefined) return end;
    this.#backoff.connected();
    this.#unknownSince = undefined;
    this.#options.log.info("line to the control plane is up");
    return undefined;
  }

  /** A line that is up, opened while the old one still works; or how the old one has ended meanwhile. */
  async #successor(old: PlaneLine): Promise<PlaneLine | LineEnd> {
    for (;;) {
      const waitMs = this.#moving.nextMs();
      this.#options.log.debug("asked to move", { waitMs: Math.round(waitMs) });
      const ended = await Promise.race([sleep(waitMs, this.#closing.signal), old.ended]);
      if (ended !== undefined) return ended;
      const line = new PlaneLine(this.#options);
      const first = await Promise.race([
        line.up.then(() => "up" as const),
        line.ended,
        old.ended.then((end) => ({ old: end })),
      ]);
      if (first === "up") {
        this.#moving.connected();
        return line;
      }
      if ("old" in first) {
        line.leave();
        return first.old;
      }
      if (first.kind === "token_revoked" || first.kind === "superseded") return first;
    }
  }

  #tokenUnknown(): void {
    const now = performance.now();
    this.#unknownSince ??= now;
    if (now - this.#unknownSince < (this.#options.unknownTokenMs ?? UNKNOWN_TOKEN_MS)) return;
    throw new CodedError(
      "unauthenticated",
      "the control plane does not know CODER_AGENT_TOKEN: its build has not reported it. Build the workspace again",
    );
  }
}
