import { ConfigError } from "@berth/config";
import { codeOf, messageOf } from "@berth/std";
import type { Logger } from "@berth/telemetry";
import { EXIT, type EndSignal, complain, exitNow, onSignals, onUnhandled } from "./signals.ts";
import type { DrainReason } from "./service.ts";

/** Why a process ends: it was told to, or something failed. */
export type Ending =
  | { readonly reason: Exclude<DrainReason, "failure"> }
  | { readonly reason: "failure"; readonly error: unknown };

/**
 * Hears why the process should end, once. A second signal ends it on the spot with 130; a second failure is only logged.
 * SIGQUIT is the impatient SIGINT.
 */
export class Lifetime implements Disposable {
  readonly #told = Promise.withResolvers<Ending>();
  readonly #ending = new AbortController();
  readonly #signals = onSignals((signal) => this.#hear(signal));
  readonly #unhandled = onUnhandled((error) => this.#hearUnheard(error));
  #signalCount = 0;
  /** Set as soon as there is one. */
  log: Logger | undefined;

  readonly told = this.#told.promise;
  readonly signal = this.#ending.signal;

  /** Brings the process down; what fails while it ends is only logged. */
  readonly fail = (error: unknown): void => {
    this.log?.error("failed: the process ends", { error });
    this.#end({ reason: "failure", error });
  };

  /**
   * What nobody handled is a bug and ends the process, but for a connection that was lost: the Postgres driver asks for types
   * on each new connection in a statement that nobody awaits, and a database that goes away just then is no bug of ours.
   */
  #hearUnheard(error: unknown): void {
    if (codeOf(error) !== "unavailable") return this.fail(error);
    this.log?.warn("a lost connection was noticed by nobody", { error });
  }

  #hear(signal: EndSignal): void {
    this.#signalCount += 1;
    this.log?.info("told to end", { signal });
    if (this.#signalCount > 1) {
      complain(`${signal} again: ending at once`);
      exitNow(EXIT.forced);
    }
    this.#end({ reason: signal === "SIGQUIT" ? "SIGINT" : signal });
  }

  #end(ending: Ending): void {
    this.#told.resolve(ending); // the first stands
    this.#ending.abort();
  }

  [Symbol.dispose](): void {
    this.#signals[Symbol.dispose]();
    this.#unhandled[Symbol.dispose]();
  }
}

/** The exit code of an error that ended a process. */
export function exitCodeOf(error: unknown): number {
  return error instanceof ConfigError ? EXIT.config : EXIT.failed;
}

/** What a person reads when a process could not start: every mistake of a configuration on its own line. */
export function startMessage(error: unknown): string {
  if (!(error instanceof ConfigError)) return `berth: could not start: ${reasons(error)}`;
  return [
    "berth: the configuration cannot be used:",
    ...error.message.split("\n").map((line) => `  ${line}`),
  ].join("\n");
}

function reasons(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? ` (${messageOf(error.cause)})` : "";
  return `${messageOf(error)}${cause}`;
}
