import { constants } from "node:os";

/** Ends the command with an exit code of its own; what had to be said was said. */
export class ExitCode extends Error {
  override readonly name = "ExitCode";
  readonly code: number;

  constructor(code: number) {
    super(`exit code ${code}`);
    this.code = code;
  }
}

/** The exit code of a process that a signal ("SIGINT") has ended, as shells have it. */
export function codeOfSignal(signal: string): number {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return 128 + (numbers[signal] ?? 0);
}
