import { CodedError, isUuid } from "@berth/std";

/** What a person or `ssh` typed for a workspace. Without an owner it is the caller's own. */
export interface WorkspaceName {
  readonly owner: string;
  /** A name, or the workspace's UUID. */
  readonly workspace: string;
  readonly agent?: string;
}

/** How `ssh`'s %h is turned into a name: a prefix or a suffix (without its dot) is cut off. */
export interface HostForm {
  readonly prefix?: string;
  readonly suffix?: string;
}

/**
 * Reads `ws`, `ws.agent`, `owner/ws[.agent]`, `owner--ws[.agent]`, `owner--ws--agent`, `agent.ws.owner` or a UUID.
 * @throws CodedError invalid_argument naming the forms that are understood.
 */
export function parseWorkspaceName(typed: string, form: HostForm = {}): WorkspaceName {
  const host = stripForm(typed, form);
  if (isUuid(host)) return { owner: "me", workspace: host };
  const parsed = bySlash(host) ?? byDashes(host) ?? byDots(host);
  if (parsed === undefined || [parsed.owner, parsed.workspace, parsed.agent ?? "x"].includes(""))
    throw new CodedError(
      "invalid_argument",
      `"${typed}" is not a workspace: give <workspace>, <owner>/<workspace> or <workspace>.<agent>`,
    );
  return parsed;
}

function stripForm(host: string, { prefix, suffix }: HostForm): string {
  if (prefix !== undefined && prefix !== "" && host.startsWith(prefix)) return host.slice(prefix.length);
  if (suffix !== undefined && suffix !== "" && host.endsWith(`.${suffix}`))
    return host.slice(0, -suffix.length - 1);
  return host;
}

function withAgent(owner: string, rest: string): WorkspaceName | undefined {
  const [workspace = "", agent, ...more] = rest.split(".");
  if (more.length > 0) return undefined;
  return agent === undefined ? { owner, workspace } : { owner, workspace, agent };
}

function bySlash(host: string): WorkspaceName | undefined {
  const [owner = "", rest, ...more] = host.split("/");
  return rest === undefined || more.length > 0 ? undefined : withAgent(owner, rest);
}

function byDashes(host: string): WorkspaceName | undefined {
  const [owner = "", workspace, agent, ...more] = host.split("--");
  if (workspace === undefined || more.length > 0) return undefined;
  return agent === undefined ? withAgent(owner, workspace) : { owner, workspace, agent };
}

function byDots(host: string): WorkspaceName | undefined {
  if (host.includes("/") || host.includes("--")) return undefined;
  const [first = "", second, third, ...more] = host.split(".");
  if (more.length > 0) return undefined;
  if (third !== undefined) return { owner: third, workspace: second ?? "", agent: first };
  return second === undefined
    ? { owner: "me", workspace: first }
    : { owner: "me", workspace: first, agent: second };
}
