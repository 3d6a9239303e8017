import { type HttpClient, routes, type Workspace, type WorkspaceAgent } from "@berth/http-api";
import { CodedError, sleep } from "@berth/std";
import { showBuild } from "../builds.ts";
import type { Terminal } from "../terminal.ts";
import type { WorkspaceName } from "../workspace-name.ts";
import { findWorkspace, pickAgent } from "../workspaces.ts";

const POLL_MS = 300;

export interface WaitOptions {
  /** Start a stopped workspace (the public default). */
  readonly autostart: boolean;
  /** Wait until scripts that block the log-in are done: yes, no, or as the template says. */
  readonly wait: "yes" | "no" | "auto";
  readonly signal: AbortSignal;
}

/**
 * The agent, connected: the workspace is started when it is stopped, its build shown while it runs.
 * @throws CodedError naming why it cannot be, with the mend; the signal's reason.
 */
export async function waitForAgent(
  terminal: Terminal,
  client: HttpClient,
  name: WorkspaceName,
  options: WaitOptions,
): Promise<{ readonly workspace: Workspace; readonly agent: WorkspaceAgent }> {
  const workspace = await ensureRunning(terminal, client, await findWorkspace(client, name), options);
  const told = { waiting: false };
  let latest = workspace;
  while (true) {
    options.signal.throwIfAborted();
    const agent = pickAgent(latest, name.agent);
    const reason = waitingReason(latest, agent, options.wait);
    if (reason === undefined) return { workspace: latest, agent };
    if (!told.waiting) terminal.say(reason);
    told.waiting = true;
    await sleep(POLL_MS, options.signal);
    latest = await client.call(routes.getWorkspace, { params: { workspace: workspace.id } });
  }
}

/** Why the agent cannot be reached yet; undefined when it can. */
function waitingReason(
  workspace: Workspace,
  agent: WorkspaceAgent,
  wait: WaitOptions["wait"],
): string | undefined {
  if (workspace.latest_build.transition !== "start" || workspace.latest_build.job.status === "failed")
    throw new CodedError(
      "failed_precondition",
      `${workspace.name} is ${workspace.latest_build.status}: berth start ${workspace.name}`,
    );
  if (agent.status === "timeout")
    throw new CodedError(
      "unavailable",
      `the agent ${agent.name} did not connect within ${agent.connection_timeout_seconds} s: berth logs ${workspace.name}${agent.troubleshooting_url === "" ? "" : `, or see ${agent.troubleshooting_url}`}`,
    );
  if (agent.status !== "connected") return `Waiting for the agent ${agent.name} (${agent.status}) …`;
  const blocks = wait === "yes" || (wait === "auto" && agent.startup_script_behavior === "blocking");
  if (blocks && ["created", "starting"].includes(agent.lifecycle_state))
    return `Waiting for the start-up script of ${agent.name} …`;
  return undefined;
}

async function ensureRunning(
  terminal: Terminal,
  client: HttpClient,
  workspace: Workspace,
  { autostart, signal }: WaitOptions,
): Promise<Workspace> {
  const { latest_build: build } = workspace;
  if (build.job.status === "pending" || build.job.status === "running")
    await showBuild(terminal, client, build, signal);
  else if (build.transition === "stop" && build.job.status === "succeeded") {
    if (!autostart)
      throw new CodedError(
        "failed_precondition",
        `${workspace.name} is stopped: berth start ${workspace.name}`,
      );
    terminal.say(`${workspace.name} is stopped: starting it …`);
    const started = await client.call(routes.createWorkspaceBuild, {
      params: { workspace: workspace.id },
      body: { transition: "start", reason: "ssh_connection" },
    });
    await showBuild(terminal, client, started, signal);
  }
  return client.call(routes.getWorkspace, { params: { workspace: workspace.id } });
}
