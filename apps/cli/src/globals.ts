import { homedir } from "node:os";
import { join } from "node:path";
import { type Command, Option } from "commander";

/** Flags that every command takes, before and after its name. */
export interface Globals {
  readonly url?: string;
  readonly token?: string;
  readonly globalConfig: string;
  readonly header: readonly string[];
  readonly headerCommand?: string;
  readonly versionWarning: boolean;
  readonly verbose: boolean;
  readonly forceTty: boolean;
  readonly disableDirectConnections: boolean;
}

const collect = (value: string, former: readonly string[]) => [...former, value];

/** Declares them, by the names and variables that scripts and editors use. */
export function addGlobals(program: Command): Command {
  const option = (flags: string, variable: string, description: string) =>
    new Option(flags, description).env(variable);
  return program
    .addOption(option("--url <url>", "CODER_URL", "URL of the deployment"))
    .addOption(option("--token <token>", "CODER_SESSION_TOKEN", "session token"))
    .addOption(
      option("--global-config <folder>", "CODER_CONFIG_DIR", "folder of the saved log-in").default(
        join(homedir(), ".config", "berth"),
        "~/.config/berth",
      ),
    )
    .addOption(
      option("--header <name=value>", "CODER_HEADER", "an HTTP header to send along; may be repeated")
        .argParser(collect)
        .default([], "none"),
    )
    .addOption(
      option(
        "--header-command <command>",
        "CODER_HEADER_COMMAND",
        "a command that prints headers, a name=value a line",
      ),
    )
    .addOption(
      option("--no-version-warning", "CODER_NO_VERSION_WARNING", "say nothing when the versions differ"),
    )
    .addOption(option("--no-feature-warning", "CODER_NO_FEATURE_WARNING", "accepted for scripts").hideHelp())
    .addOption(option("-v, --verbose", "CODER_VERBOSE", "say more").default(false))
    .addOption(option("--force-tty", "CODER_FORCE_TTY", "take this for a terminal").default(false))
    .addOption(
      option("--disable-direct-connections", "CODER_DISABLE_DIRECT_CONNECTIONS", "relays only").default(
        false,
      ),
    )
    .addOption(
      option(
        "--disable-network-telemetry",
        "CODER_DISABLE_NETWORK_TELEMETRY",
        "accepted for scripts",
      ).hideHelp(),
    )
    .addOption(option("--use-keyring", "CODER_USE_KEYRING", "accepted for scripts").hideHelp())
    .addOption(option("--no-open", "CODER_NO_OPEN", "accepted for scripts").hideHelp());
}
