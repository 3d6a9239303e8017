import { tmpdir } from "node:os";
import { join } from "node:path";

/** The same for every process of an agent, so that what its scripts keep there is found again. */
export const dataFolder = (agentId: string): string => join(tmpdir(), `berth-agent-${agentId}`);

/** On the PATH of everything in the workspace. */
export const binFolder = (folder: string): string => join(folder, "bin");
