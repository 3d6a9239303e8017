import { access, constants } from "node:fs/promises";
import { tmpdir } from "node:os";
import { cwd } from "node:process";
import type { AgentConfig } from "./config.ts";

/** Where logs go: what was configured, the folder the agent was started in, or one for passing things. */
export async function logFolderOf(config: Pick<AgentConfig, "logFolder">): Promise<string> {
  if (config.logFolder !== undefined) return config.logFolder;
  const here = cwd();
  try {
    await access(here, constants.W_OK);
    return here;
  } catch {
    return tmpdir(); // an image often starts its processes in a folder that is not theirs
  }
}
