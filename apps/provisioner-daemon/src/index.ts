import { runProgram } from "@berth/runtime";
import { provisionerDaemon } from "./program.ts";

export { provisionerDaemon } from "./program.ts";
export { daemonConfig, type DaemonConfig } from "./config.ts";

/** `berth provisioner start`: runs a daemon until it is told to end. */
export function main(argv: readonly string[]): void {
  runProgram(provisionerDaemon, argv);
}
