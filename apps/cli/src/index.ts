import { type Command, CommanderError } from "commander";
import { type EndSignal, runMain } from "@berth/runtime";
import { buildProgram } from "./program.ts";
import { codeOfSignal, ExitCode } from "./exit-code.ts";
import { showError } from "./show-error.ts";
import { readSwitches } from "./switches.ts";
import { openTerminal } from "./terminal.ts";

/** `berth <anything else>`: owns the process until it ends. A signal that no command hears ends it at once. */
export function main(argv: readonly string[]): void {
  runMain(({ signal }) => Promise.race([runCli(argv), toldToEnd(signal)]), argv);
}

/**
 * Runs one command line (without the program's own name) and answers its exit code: 0, 1 for any error, or the remote
 * status of `ssh`. Errors and their mend are on stderr.
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  try {
    const program = buildProgram();
    forEachCommand(program, (command) => command.exitOverride());
    await program.parseAsync(readSwitches(program, argv), { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof ExitCode) return error.code;
    openTerminal().say(showError(error, argv.includes("--verbose") || argv.includes("-v")));
    return 1;
  }
}

function toldToEnd(signal: AbortSignal): Promise<number> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(codeOfSignal(signal.reason as EndSignal))); // runMain's reason
  });
}

function forEachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const child of command.commands) forEachCommand(child, visit);
}
