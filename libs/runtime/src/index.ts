export type * from "./service.ts";
export type * from "./process.ts";
export type * from "./cluster.ts";
export type * from "./membership-seam.ts";
export type * from "./options.ts";
export { run } from "./run.ts";
export { type MainContext, type Program, type ProgramContext, runMain, runProgram } from "./program.ts";
export { type EndSignal, onInterrupt } from "./signals.ts";
export { selfCommand } from "./self-command.ts";
