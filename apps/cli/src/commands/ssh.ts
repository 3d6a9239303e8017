import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { routes } from "@berth/http-api";
import { CodedError, parseDuration, Scope, sleep } from "@berth/std";
import { onSignals } from "@berth/runtime";
import { type Command, Option } from "commander";
import { type CliContext, contextOf, type LoggedIn } from "../cli-context.ts";
import { codeOfSignal, ExitCode } from "../exit-code.ts";
import { type Pair, pairsOption, repeatableOption } from "../repeatable.ts";
import type { SessionEnd } from "@berth/tunnel";
import type { AgentLink } from "../ssh/agent-link.ts";
import { parseRemoteForward, type RemoteForward } from "../ssh/remote-forward.ts";
import { waitForAgent } from "../ssh/wait-for-agent.ts";
import { switchOption } from "../switches.ts";
import { parseWorkspaceName } from "../workspace-name.ts";

interface SshOptions {
  readonly stdio?: boolean;
  readonly sshHostPrefix?: string;
  readonly hostnameSuffix?: string;
  readonly env: readonly Pair[];
  readonly remoteForward: readonly RemoteForward[];
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
  const toggle = (flags: string, variable: string, description: string) =>
    switchOption(flags, `CODER_SSH_${variable}`, description);
  program
    .command("ssh <workspace> [command...]")
    .description("a shell in a workspace, or one command; the exit status is the command's")
    .addOption(toggle("--stdio", "STDIO", "carry ssh's own bytes on stdin and stdout: for ProxyCommand"))
    .addOption(
      option("--ssh-host-prefix <prefix>", "SSH_HOST_PREFIX", "what the workspace's name begins with"),
    )
    .addOption(
      option("--hostname-suffix <suffix>", "HOSTNAME_SUFFIX", "what stands behind the name and a dot"),
    )
    .addOption(pairsOption("-e, --env <name=value>", "set there").env("CODER_SSH_ENV"))
    .addOption(
      repeatableOption(
        "-R, --remote-forward <forwarding>",
        "port:address:port: a port of the workspace that leads to an address as this computer sees it",
        parseRemoteForward,
      ).env("CODER_SSH_REMOTE_FORWARD"),
    )
    .addOption(toggle("-t, --tty", "TTY", "ask for a terminal for a command too"))
    .addOption(
      option("--wait <when>", "WAIT", "log in after the start-up script; auto: as the template says")
        .choices(["yes", "no", "auto"])
        .default("auto"),
    )
    .addOption(toggle("--disable-autostart", "DISABLE_AUTOSTART", "do not start a stopped workspace"))
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

/**
 * However this ends, the agent is told: without a goodbye it keeps the session, and what runs in it, for a client whose network
 * is away. So neither a signal nor a reader that has gone ends the process on the spot. (Ctrl-C at `ssh` sends two signals:
 * the terminal's SIGINT and ssh's SIGHUP.)
 */
async function connect(
  context: CliContext,
  typed: string,
  command: readonly string[],
  options: SshOptions,
): Promise<void> {
  const told = new AbortController();
  const leave = (code: number) => told.abort(new ExitCode(code));
  using _hearing = onSignals((signal) => leave(codeOfSignal(signal)));
  for (const output of [process.stdout, process.stderr]) {
    output.removeAllListeners("error");
    output.on("error", () => leave(0));
  }
  try {
    await using scope = new Scope();
    const status = await carry(context, typed, command, options, scope, told.signal);
    if (status !== 0) throw new ExitCode(status);
  } catch (error) {
    told.signal.throwIfAborted(); // what was broken off has not failed
    throw error;
  }
}

async function carry(
  context: CliContext,
  typed: string,
  command: readonly string[],
  options: SshOptions,
  scope: Scope,
  signal: AbortSignal,
): Promise<number> {
  const name = parseWorkspaceName(typed, {
    ...(options.sshHostPrefix === undefined ? {} : { prefix: options.sshHostPrefix }),
    ...(options.hostnameSuffix === undefined ? {} : { suffix: options.hostnameSuffix }),
  });
  if (options.stdio === true && options.remoteForward.length > 0)
    throw new CodedError(
      "invalid_argument",
      "--remote-forward does nothing with --stdio: give -R to ssh itself",
    );
  const log = openLog(options.logDir, scope);
  const loggedIn = await context.logIn();
  const { agent, workspace } = await waitForAgent(context.terminal, loggedIn.client, name, {
    autostart: options.disableAutostart !== true,
    wait: options.wait,
    signal,
  });
  log(`connecting to ${workspace.owner_name}/${workspace.name}.${agent.name}`);
  const { linkAgent } = await import("../ssh/agent-link.ts");
  const link = scope.use("link", await linkAgent(loggedIn, agent, signal));
  void endWithWorkspace(loggedIn, workspace.id, agent.id, link, options.workspacePollInterval, scope.signal);
  if (options.networkInfoDir !== undefined) {
    const { keepNetworkFile } = await import("../ssh/network-file.ts");
    const keeping = keepNetworkFile(link, options.networkInfoDir, options.networkInfoInterval, scope.signal);
    scope.add("network file", () => keeping);
  }
  const stream = await link.session.open({ service: "ssh" });
  signal.addEventListener("abort", () => stream.destroy());
  signal.throwIfAborted();
  log("connected");
  if (options.stdio === true) {
    const { carryStdio } = await import("../ssh/stdio.ts");
    await carryStdio(stream);
    return 0;
  }
  const { runRemote } = await import("../ssh/remote.ts");
  const status = await runRemote(stream, link.sshHostKey, {
    command,
    tty: options.tty === true || (command.length === 0 && process.stdin.isTTY),
    env: Object.fromEntries(options.env.map((pair) => [pair.name, pair.value])),
    forwards: options.remoteForward,
  });
  const end = await Promise.race([link.session.ended, sleep(0).then(() => undefined)]);
  if (end !== undefined) context.terminal.say(`The connection has ended: ${reasonOf(end)}.`);
  return status;
}

const reasonOf = (end: SessionEnd): string =>
  end.kind === "abandoned" ? "the workspace's agent has been silent for too long" : end.reason;

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
