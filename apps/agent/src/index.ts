export { agentProgram, main } from "./program.ts";
