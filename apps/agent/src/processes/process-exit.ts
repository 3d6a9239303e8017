import { constants } from "node:os";

/** How a process ended: by itself, or by a signal ("SIGTERM"). */
export type ProcessExit = { readonly code: number } | { readonly signal: NodeJS.Signals };

const SIGNALS = new Map<number, string>(
  Object.entries(constants.signals).map(([name, number]) => [number, name]),
);

/** From what waitpid said: a number of a signal wins over the code. */
export function exitOf(code: number | null, signal: NodeJS.Signals | number | null | undefined): ProcessExit {
  if (typeof signal === "string") return { signal };
  const name = signal === undefined || signal === null ? undefined : SIGNALS.get(signal);
  if (name !== undefined && isSignal(name)) return { signal: name };
  return { code: code ?? 1 };
}

/** Whether this system has a signal of that name, with its SIG. */
export function isSignal(name: string): name is NodeJS.Signals {
  return name in constants.signals;
}

/** As a shell says it: 128 and the signal's number. */
export function exitCodeOf(exit: ProcessExit): number {
  return "code" in exit ? exit.code : 128 + constants.signals[exit.signal];
}
