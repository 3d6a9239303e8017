export { agentProgram, startAgent } from "./program.ts";
