import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { routes } from "@berth/http-api";
import { CodedError, parseDuration, Scope, sleep } from "@berth/std";
import { type Command, Option } from "commander";
import { type CliContext, contextOf, type LoggedIn } from "../cli-context.ts";
import { collectPairs, type Pair } from "../output.ts";
import { ExitCode } from "../show-error.ts";
import type { AgentLink } from "../ssh/agent-link.ts";
import { waitForAgent } from "../ssh/wait-for-agent.ts";
import { parseWorkspaceName } from "../workspace-name.ts";

interface SshOptions {
  readonly stdio?: boolean;
  readonly sshHostPrefix?: string;
  readonly hostnameSuffix?: string;
  readonly env: readonly Pair[];
  readonly tty?: boolean;
  readonly wait: "yes" | "no" | "auto";
  readonly disableAutostart?: boolean;
  readonly logDir?: string;
  readonly networkInfoDir?: string;
  readonly networkInfoInterval: number;
  readonly workspacePollInterval: number;
}

/** `ssh`, by the flags that editors and config-ssh use. */
export function addSsh(program: Command): void {
  const option = (flags: string, variable: string, description: string) =>
    new Option(flags, description).env(`CODER_SSH_${variable}`);
  program
    .command("ssh <workspace> [command...]")
    .description("a shell in a workspace, or one command; the exit status is the command's")
    .addOption(option("--stdio", "STDIO", "carry ssh's own bytes on stdin and stdout: for ProxyCommand"))
    .addOption(option("--ssh-host-prefix <prefix>", "SSH_HOST_PREFIX", "cut off the workspace's name first"))
    .addOption(option("--hostname-suffix <suffix>", "HOSTNAME_SUFFIX", "cut off the workspace's name first"))
    .addOption(
      option("-e, --env <name=value>", "ENV", "set there; may be repeated")
        .argParser(collectPairs)
        .default([], "none"),
    )
    .addOption(option("-t, --tty", "TTY", "ask for a terminal for a command too"))
    .addOption(
      option("--wait <when>", "WAIT", "for the start-up script")
        .choices(["yes", "no", "auto"])
        .default("auto"),
    )
    .addOption(option("--disable-autostart", "DISABLE_AUTOSTART", "do not start a stopped workspace"))
    .addOption(option("-l, --log-dir <folder>", "LOG_DIR", "write a log of the connection there"))
    .addOption(
      option("--network-info-dir <folder>", "NETWORK_INFO_DIR", "write measures of the connection there"),
    )
    .addOption(
      option("--network-info-interval <duration>", "NETWORK_INFO_INTERVAL", "how often")
        .argParser(duration)
        .default(5_000, "5s"),
    )
    .addOption(
      new Option("--workspace-poll-interval <duration>", "how often to see whether the workspace still runs")
        .env("CODER_WORKSPACE_POLL_INTERVAL")
        .argParser(duration)
        .default(60_000, "1m"),
    )
    .addOption(option("--usage-app <app>", "USAGE_APP", "ssh, vscode or jetbrains").default("ssh").hideHelp())
    .action(async (typed: string, command: string[], options: SshOptions, self: Command) =>
      connect(contextOf(self), typed, command, options),
    );
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new CodedError("invalid_argument", `"${text}" is not a duration: write 5s or 1m`);
  return ms;
}

async function connect(
  context: CliContext,
  typed: string,
  command: readonly string[],
  options: SshOptions,
): Promise<void> {
  const name = parseWorkspaceName(typed, {
    ...(options.sshHostPrefix === undefined ? {} : { prefix: options.sshHostPrefix }),
    ...(options.hostnameSuffix === undefined ? {} : { suffix: options.hostnameSuffix }),
  });
  await using scope = new Scope();
  const log = openLog(options.logDir, scope);
  const loggedIn = await context.logIn();
  const { agent, workspace } = await waitForAgent(context.terminal, loggedIn.client, name, {
    autostart: options.disableAutostart !== true,
    wait: options.wait,
    signal: scope.signal,
  });
  log(`connecting to ${workspace.owner_name}/${workspace.name}.${agent.name}`);
  const { linkAgent } = await import("../ssh/agent-link.ts");
  const link = scope.use("link", await linkAgent(loggedIn, agent, scope.signal));
  void endWithWorkspace(loggedIn, workspace.id, agent.id, link, options.workspacePollInterval, scope.signal);
  if (options.networkInfoDir !== undefined) {
    const { keepNetworkFile } = await import("../ssh/network-file.ts");
    const keeping = keepNetworkFile(link, options.networkInfoDir, options.networkInfoInterval, scope.signal);
    scope.add("network file", () => keeping);
  }
  const stream = await link.session.open({ service: "ssh" });
  log("connected");
  if (options.stdio === true) {
    const { carryStdio } = await import("../ssh/stdio.ts");
    return await carryStdio(stream);
  }
  const { runRemote } = await import("../ssh/remote.ts");
  const status = await runRemote(stream, link.sshHostKey, {
    command,
    tty: options.tty === true || (command.length === 0 && process.stdin.isTTY),
    env: Object.fromEntries(options.env.map((pair) => [pair.name, pair.value])),
  });
  if (status !== 0) throw new ExitCode(status);
}

/** Ends the session when the workspace stops, or a new start has made another agent. */
async function endWithWorkspace(
  { client }: LoggedIn,
  workspaceId: string,
  agentId: string,
  link: AgentLink,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(everyMs, signal);
    const workspace = await client
      .call(routes.getWorkspace, { params: { workspace: workspaceId } })
      .catch(() => undefined); // a plane that is away ends no session
    const agents = workspace?.latest_build.resources.flatMap((resource) => resource.agents ?? []);
    const settled = workspace?.latest_build.job.completed_at !== undefined;
    if (settled && agents?.some((agent) => agent.id === agentId) === false)
      await link.session.close("the workspace has stopped");
  }
}

/** `coder-ssh-<time>-<5 letters>-<pid of ssh>.log`, made exclusively. */
function openLog(folder: string | undefined, scope: Scope): (line: string) => void {
  if (folder === undefined) return () => undefined;
  const time = new Date().toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  const letters = Buffer.from(crypto.getRandomValues(new Uint8Array(5)))
    .map((byte) => 97 + (byte % 26))
    .toString();
  const file = createWriteStream(join(folder, `coder-ssh-${time}-${letters}-${process.ppid}.log`), {
    flags: "wx",
    mode: 0o600,
  });
  file.on("error", () => undefined); // a log that cannot be written ends no session
  scope.add("log", () => new Promise<void>((resolve) => file.end(resolve)));
  return (line) => void file.write(`${new Date().toISOString()} ${line}\n`);
}
