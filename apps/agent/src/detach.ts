import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { environment } from "@berth/config";
import { CodedError, messageOf } from "@berth/std";
import { selfCommand } from "@berth/runtime";
import type { AgentConfig } from "./config.ts";
import { logFolderOf } from "./log-folder.ts";

export const LOG_FILE = "coder-agent.log";

/**
 * Starts this agent once more, in a session of its own and with its output in a file, so that it outlives whoever started it.
 * Answers its pid.
 */
export async function detach(config: AgentConfig): Promise<number> {
  const folder = await logFolderOf(config);
  await mkdir(folder, { recursive: true });
  await using log = await open(join(folder, LOG_FILE), "a", 0o600);
  const [file, ...args] = selfCommand(["agent"]);
  if (file === undefined) throw new Error("starting this program again: its own file is not known");
  const child = spawn(file, args, {
    detached: true, // setsid: a closing terminal or a Terraform that is killed does not take it along
    stdio: ["ignore", log.fd, log.fd],
    env: {
      ...environment(),
      CODER_AGENT_URL: config.url.href,
      CODER_AGENT_TOKEN: config.token.reveal(), // not as an argument: those are everybody's to read
      CODER_AGENT_TOKEN_FILE: undefined,
      CODER_AGENT_LOG_DIR: folder,
      CODER_AGENT_DETACH: undefined,
    },
  });
  try {
    await once(child, "spawn");
  } catch (cause) {
    throw new CodedError("unavailable", `starting the detached agent: ${messageOf(cause)}`, { cause });
  }
  child.unref();
  if (child.pid === undefined) throw new Error("the detached agent has no pid");
  return child.pid;
}
