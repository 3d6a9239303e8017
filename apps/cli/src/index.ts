import { type Command, CommanderError } from "commander";
import { runMain } from "@berth/runtime";
import { buildProgram } from "./program.ts";
import { ExitCode, showError } from "./show-error.ts";
import { openTerminal } from "./terminal.ts";

/** `berth <anything else>`: owns the process until it ends. */
export function main(argv: readonly string[]): void {
  runMain(() => runCli(argv), argv);
}

/**
 * Runs one command line (without the program's own name) and answers its exit code: 0, 1 for any error, or the remote
 * status of `ssh`. Errors and their mend are on stderr.
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  const program = buildProgram();
  forEachCommand(program, (command) => command.exitOverride());
  try {
    await program.parseAsync([...argv], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof ExitCode) return error.code;
    openTerminal().say(showError(error, argv.includes("--verbose") || argv.includes("-v")));
    return 1;
  }
}

function forEachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const child of command.commands) forEachCommand(child, visit);
}
