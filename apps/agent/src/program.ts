import { stdout } from "node:process";
import { environment } from "@berth/config";
import { type Program, runProgram, selfCommand } from "@berth/runtime";
import { Agent } from "./agent.ts";
import { type AgentConfig, agentConfig } from "./config.ts";
import { detach } from "./detach.ts";
import { logFolderOf } from "./log-folder.ts";

/** `berth agent`. */
export const agentProgram: Program<AgentConfig> = {
  name: "agent",
  config: agentConfig,
  async main({ config, log, signal }) {
    if (config.detach) {
      stdout.write(`${await detach(config)}\n`);
      return 0;
    }
    const agent = new Agent({
      url: config.url,
      token: config.token.reveal(),
      logFolder: await logFolderOf(config),
      inherited: environment(),
      ownCommand: selfCommand([]),
      log,
      signal,
    });
    const end = await agent.run();
    log.info("agent has ended", { because: end });
    return 0;
  },
};

/** `berth agent`: runs until it ends; it sets the exit code. */
export function main(argv: readonly string[]): void {
  runProgram(agentProgram, argv);
}
