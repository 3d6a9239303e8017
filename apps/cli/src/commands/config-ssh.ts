import { chmod, mkdir, readFile, realpath, rename, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { routes } from "@berth/http-api";
import { type Command, Option } from "commander";
import { type CliContext, contextOf } from "../cli-context.ts";
import { difference } from "../config-ssh/difference.ts";
import { hostsOf, ownHostNames } from "../config-ssh/hosts.ts";
import {
  cutSection,
  joinSection,
  readOptions,
  type SectionOptions,
  writeSection,
} from "../config-ssh/section.ts";
import { textsOption } from "../repeatable.ts";
import { switchOption } from "../switches.ts";
import { demandConsent } from "./workspaces.ts";

interface ConfigSshOptions {
  readonly sshConfigFile: string;
  readonly coderBinaryPath?: string;
  readonly sshOption: readonly string[];
  readonly sshHostPrefix?: string;
  readonly hostnameSuffix?: string;
  readonly wait?: string;
  readonly disableAutostart?: boolean;
  readonly wildcard: boolean;
  readonly dryRun?: boolean;
  readonly usePreviousOptions?: boolean;
  readonly yes?: boolean;
}

/** `config-ssh`: a section of ~/.ssh/config, by the flags and markers that scripts and editors know. */
export function addConfigSsh(program: Command): void {
  const option = (flags: string, variable: string, description: string) =>
    new Option(flags, description).env(`CODER_${variable}`);
  const toggle = (flags: string, variable: string, description: string) =>
    switchOption(flags, `CODER_${variable}`, description);
  program
    .command("config-ssh")
    .description("let ssh, scp and sftp reach workspaces as coder.<workspace> and <workspace>.coder")
    .addOption(
      option("--ssh-config-file <file>", "SSH_CONFIG_FILE", "the file to write").default(
        join(homedir(), ".ssh", "config"),
        "~/.ssh/config",
      ),
    )
    .addOption(
      option("--coder-binary-path <file>", "SSH_CONFIG_BINARY_PATH", "the program that ssh runs, absolute"),
    )
    .addOption(
      textsOption("-o, --ssh-option <option>", "an option for the hosts").env("CODER_SSH_CONFIG_OPTS"),
    )
    .addOption(
      option("--ssh-host-prefix <prefix>", "CONFIGSSH_SSH_HOST_PREFIX", "other than the deployment's"),
    )
    .addOption(
      option("--hostname-suffix <suffix>", "CONFIGSSH_HOSTNAME_SUFFIX", "other than the deployment's"),
    )
    .addOption(
      option("--wait <when>", "CONFIGSSH_WAIT", "log in after the start-up script").choices([
        "yes",
        "no",
        "auto",
      ]),
    )
    .addOption(
      toggle("--disable-autostart", "CONFIGSSH_DISABLE_AUTOSTART", "do not start stopped workspaces"),
    )
    .addOption(
      toggle(
        "--no-wildcard",
        "CONFIGSSH_NO_WILDCARD",
        "a host for each workspace of yours, for programs that read hosts from the file; run it again after making one",
      ),
    )
    .addOption(toggle("-n, --dry-run", "SSH_DRY_RUN", "show what would change, and change nothing"))
    .addOption(
      toggle("--use-previous-options", "SSH_USE_PREVIOUS_OPTIONS", "keep the options of the last run"),
    )
    .option("-y, --yes", "do not ask")
    .action(async (options: ConfigSshOptions, command: Command) => configure(contextOf(command), options));
}

async function configure(context: CliContext, options: ConfigSshOptions): Promise<void> {
  const { terminal } = context;
  const { client } = await context.logIn();
  const deployment = await client.call(routes.getSshConfig, {});
  const former = await readConfig(options.sshConfigFile);
  const cut = cutSection(former);
  const kept = await chooseOptions(context, options, cut.section);
  const names = kept.noWildcard === true ? await ownHostNames(client) : ["*"];
  const program = { path: options.coderBinaryPath, configFolder: context.globals.globalConfig };
  const hosts = hostsOf(program, kept, deployment, names);
  const section = writeSection(kept, hosts);
  const next = joinSection(cut, section);
  if (next === former) return terminal.say("No changes to make.");
  if (options.dryRun === true) {
    terminal.say(`Dry run: ${options.sshConfigFile} would change:`);
    return terminal.print(difference(former, next));
  }
  if (options.yes !== true) terminal.say(difference(former, next));
  if (!(await demandConsent(terminal, options.yes, `Change ${options.sshConfigFile}?`, true))) return;
  await writeAtomically(options.sshConfigFile, next);
  const [host] = hosts;
  const example = host === undefined ? "" : `. Try: ssh ${host.pattern.replace("*", "<workspace>")}`;
  terminal.say(`Updated ${options.sshConfigFile}${example}`);
}

/** What was given now; or what the last run kept, when nothing was given or it is asked for. */
async function chooseOptions(
  { terminal, globals }: CliContext,
  options: ConfigSshOptions,
  section: string | undefined,
): Promise<SectionOptions> {
  const given: SectionOptions = {
    ...(options.wait === undefined ? {} : { wait: options.wait }),
    ...(options.sshHostPrefix === undefined ? {} : { sshHostPrefix: options.sshHostPrefix }),
    ...(options.hostnameSuffix === undefined ? {} : { hostnameSuffix: options.hostnameSuffix }),
    ...(options.disableAutostart === true ? { disableAutostart: true } : {}),
    ...(options.wildcard ? {} : { noWildcard: true }),
    sshOptions: options.sshOption,
    headers: globals.header,
    ...(globals.headerCommand === undefined ? {} : { headerCommand: globals.headerCommand }),
  };
  if (section === undefined) return given;
  const previous = readOptions(section);
  const none: SectionOptions = { sshOptions: [], headers: [] };
  const isSame = (a: SectionOptions, b: SectionOptions) => writeSection(a, []) === writeSection(b, []);
  if (isSame(previous, given) || isSame(previous, none)) return given;
  if (options.usePreviousOptions === true) return previous;
  if (options.yes === true || !terminal.asksPeople) return given;
  return (await terminal.askYesNo("Keep the options of the last run?", true)) ? previous : given;
}

async function readConfig(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

/** By rename, with the mode it had; a link stays one, and what it leads to is written. */
async function writeAtomically(link: string, text: string): Promise<void> {
  await mkdir(dirname(link), { recursive: true, mode: 0o700 });
  const file = await realpath(link).catch(() => link); // a new file
  const mode = await stat(file).then(
    (found) => found.mode & 0o777,
    () => 0o600, // a new file
  );
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, text, { mode });
  await chmod(fresh, mode);
  await rename(fresh, file);
}
