import { homedir } from "node:os";
import { join } from "node:path";
import { version } from "@berth/std";
import { type Command, Option } from "commander";
import { textsOption } from "./repeatable.ts";
import { switchOption } from "./switches.ts";

/** Flags that every command takes, before and after its name. */
export interface Globals {
  readonly url?: string;
  readonly token?: string;
  readonly globalConfig: string;
  readonly header: readonly string[];
  readonly headerCommand?: string;
  readonly versionWarning: boolean;
  readonly verbose?: boolean;
  readonly forceTty?: boolean;
  readonly disableDirectConnections?: boolean;
}

/** Declares them, by the names and variables that scripts and editors use. */
export function addGlobals(program: Command): Command {
  const option = (flags: string, variable: string, description: string) =>
    new Option(flags, description).env(variable);
  const accepted = (flag: string, variable: string) =>
    switchOption(flag, variable, "accepted for scripts").hideHelp();
  return program
    .addOption(option("--url <url>", "CODER_URL", "URL of the deployment"))
    .addOption(option("--token <token>", "CODER_SESSION_TOKEN", "session token"))
    .addOption(
      option("--global-config <folder>", "CODER_CONFIG_DIR", "folder of the saved log-in").default(
        join(homedir(), ".config", "berth"),
        "~/.config/berth",
      ),
    )
    .addOption(textsOption("--header <name=value>", "an HTTP header to send along").env("CODER_HEADER"))
    .addOption(
      option(
        "--header-command <command>",
        "CODER_HEADER_COMMAND",
        "a command that prints headers, a name=value a line",
      ),
    )
    .addOption(
      switchOption(
        "--no-version-warning",
        "CODER_NO_VERSION_WARNING",
        "say nothing when the versions differ",
      ),
    )
    .addOption(switchOption("-v, --verbose", "CODER_VERBOSE", "say more"))
    .addOption(switchOption("--force-tty", "CODER_FORCE_TTY", "take this for a terminal"))
    .addOption(
      switchOption("--disable-direct-connections", "CODER_DISABLE_DIRECT_CONNECTIONS", "relays only"),
    )
    .addOption(accepted("--no-feature-warning", "CODER_NO_FEATURE_WARNING"))
    .addOption(accepted("--disable-network-telemetry", "CODER_DISABLE_NETWORK_TELEMETRY"))
    .addOption(accepted("--use-keyring", "CODER_USE_KEYRING"))
    .addOption(accepted("--no-open", "CODER_NO_OPEN"))
    .version(`Coder ${version}`, "--version", "print the version");
}
