import { version } from "@berth/std";
import type { Command } from "commander";
import { contextOf } from "../cli-context.ts";
import { outputOption } from "../output.ts";
import { readSession } from "../session-files.ts";

/** `version`: public editors read its JSON from merged stdout and stderr, so nothing else may be printed. */
export function addVersion(program: Command): void {
  program
    .command("version")
    .description("print the version")
    .addOption(outputOption("text"))
    .action(async ({ output }: { output: string }, command: Command) => {
      const { terminal, globals } = contextOf(command);
      if (output === "text") return terminal.print(`Coder ${version}`);
      const external_url = globals.url ?? (await readSession(globals.globalConfig)).url ?? "";
      terminal.print(
        JSON.stringify(
          { version, build_time: "0001-01-01T00:00:00Z", external_url, slim: false, agpl: false },
          null,
          2,
        ),
      );
    });
}
