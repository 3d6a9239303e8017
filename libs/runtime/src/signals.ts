/** Signals that ask a process to end. */
export type EndSignal = "SIGTERM" | "SIGHUP" | "SIGINT" | "SIGQUIT";

const SIGNALS: readonly EndSignal[] = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"];

/** Exit codes that operators and supervisors can tell apart. */
export const EXIT = { ok: 0, failed: 1, config: 78, forced: 130 } as const;

type Hear = (signal: EndSignal) => void;

/** Who hears the signals: the one that came last. (Ctrl-C in a command belongs to the question that is open.) */
const listeners: Hear[] = [];

/** Hears each signal until disposed, instead of whoever heard before. */
export function onSignals(hear: Hear): Disposable {
  if (listeners.length === 0) for (const signal of SIGNALS) process.on(signal, dispatch);
  listeners.push(hear);
  return {
    [Symbol.dispose]() {
      const at = listeners.indexOf(hear);
      if (at >= 0) listeners.splice(at, 1);
      if (listeners.length === 0) for (const signal of SIGNALS) process.off(signal, dispatch);
    },
  };
}

/** Hears Ctrl-C (SIGINT) until disposed; other signals go on as before. */
export function onInterrupt(hear: () => void): Disposable {
  const before = listeners.at(-1);
  return onSignals((signal) => {
    if (signal === "SIGINT") hear();
    else if (before !== undefined) before(signal);
    else process.exit(EXIT.forced);
  });
}

function dispatch(signal: EndSignal): void {
  listeners.at(-1)?.(signal);
}

/** Hears of what nobody handled: rejections and exceptions. */
export function onUnhandled(hear: (error: unknown) => void): Disposable {
  process.on("uncaughtException", hear);
  process.on("unhandledRejection", hear);
  return {
    [Symbol.dispose]() {
      process.off("uncaughtException", hear);
      process.off("unhandledRejection", hear);
    },
  };
}

/** Ends the process at once. */
export function exitNow(code: number): never {
  process.exit(code);
}

/** How long what is forgotten may keep a finished process alive. */
const LINGER_MS = 2_000;

/** Ends the process when its output is written, and soon in any case. */
export function exitSoon(code: number): void {
  onSignals(() => undefined); // everything is closed: a signal must not turn the exit code into its own
  process.exitCode = code;
  setTimeout(() => process.exit(code), LINGER_MS).unref();
}

/** Writes a line where errors go, before there is a log. */
export function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Writes to the standard output. */
export function say(text: string): void {
  process.stdout.write(text);
}
