import { type Section, environment, helpText, parse, programArguments } from "@berth/config";
import { CodedError, Scope, messageOf } from "@berth/std";
import { type Logger, type Metrics, openTelemetry, telemetryConfig } from "@berth/telemetry";
import { exitCodeOf, startMessage } from "./lifetime.ts";
import { EXIT, type EndSignal, complain, exitNow, exitSoon, onSignals, onUnhandled, say } from "./signals.ts";

/** What a program's main is given. */
export interface MainContext {
  readonly argv: readonly string[];
  /** Aborted at the first signal; a second one ends the process with 130. */
  readonly signal: AbortSignal;
}

/**
 * Runs a program that is no service: main's number is the exit code (nothing is 0). A failure is one line on stderr and 1,
 * a ConfigError all its lines and 78. A reader that closes our output (`| head`) ends it quietly.
 */
export function runMain(
  main: (context: MainContext) => Promise<number | undefined>,
  argv: readonly string[] = programArguments(),
): void {
  quietOutput();
  const ending = new AbortController();
  const signals = onSignals((signal) => {
    if (ending.signal.aborted) exitNow(EXIT.forced);
    ending.abort(signal);
  });
  const unhandled = onUnhandled((error) => {
    complain(error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
    exitNow(EXIT.failed);
  });
  void main({ argv, signal: ending.signal })
    .catch((error: unknown) => {
      complain(error instanceof CodedError ? failureText(error) : wholeText(error));
      return exitCodeOf(error);
    })
    .then((code) => {
      signals[Symbol.dispose]();
      unhandled[Symbol.dispose]();
      if (ending.signal.aborted) exitNow(code ?? EXIT.ok); // somebody waits: nothing that is forgotten may linger
      exitSoon(code ?? EXIT.ok);
    });
}

/** A program of its own options, log and metrics: an agent, a daemon. */
export interface Program<Config> {
  readonly name: string;
  readonly config: Section<Config>;
  /** Runs until it is done; everything opened goes to `scope`. */
  main(context: ProgramContext<Config>): Promise<number | undefined>;
}

/** What such a program is given. */
export interface ProgramContext<Config> {
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly scope: Scope;
  /** Aborted at the first signal that nobody hears. */
  readonly signal: AbortSignal;
  /** Hears every signal, until disposed, and decides what each means; `exitNow` is for the last of them. */
  readonly onSignal: (hear: (signal: EndSignal) => void) => Disposable;
  /** Ends at once, for the signal that asks for it. */
  readonly exitNow: (code: number) => never;
}

/** Runs a program with options, log and metrics; `--help` lists the options. */
export function runProgram<Config>(program: Program<Config>, argv?: readonly string[]): void {
  runMain(async (context) => {
    if (context.argv.some((word) => word === "--help" || word === "-h")) {
      say(`Options (a flag stands above its variable):\n${helpText([program.config, telemetryConfig])}\n`);
      return EXIT.ok;
    }
    const { values, warnings } = parse([program.config, telemetryConfig], {
      env: environment(),
      argv: context.argv,
    });
    await using scope = new Scope();
    const telemetry = scope.use(
      "telemetry",
      await openTelemetry(values[1], { serviceName: program.name, fields: { service: program.name } }),
    );
    for (const warning of warnings) telemetry.log.warn(warning);
    const own = scope.child(program.name);
    const { log, metrics } = telemetry;
    const { signal } = context;
    return await program.main({
      config: values[0],
      log,
      metrics,
      scope: own,
      signal,
      onSignal: onSignals,
      exitNow,
    });
  }, argv);
}

function failureText(error: CodedError): string {
  return exitCodeOf(error) === EXIT.config ? startMessage(error) : `berth: ${error.message}`;
}

/** Not foreseen, so everything is said. */
function wholeText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
}

function quietOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") exitNow(EXIT.ok);
    throw error;
  });
}
