import { resolve } from "node:path";
import { type HttpClient, routes, type SshConfig } from "@berth/http-api";
import { selfCommand } from "@berth/runtime";
import { agentsOf } from "../workspaces.ts";
import { quoteWord } from "./quote.ts";
import { mergeOptions, type SectionHost, type SectionOptions } from "./section.ts";

/** How ssh runs this program. */
export interface HostProgram {
  /** Another than this one. */
  readonly path: string | undefined;
  readonly configFolder: string;
}

/**
 * The hosts by the deployment's prefix and suffix, with the key of each agent pinned, never "accept any". `names` are what
 * stands in the place of `*`.
 */
export function hostsOf(
  { path, configFolder }: HostProgram,
  kept: SectionOptions,
  deployment: SshConfig,
  names: readonly string[],
): SectionHost[] {
  const base = [
    ...(path === undefined ? selfCommand([]) : [path]),
    ...["--global-config", resolve(configFolder)],
    ...kept.headers.flatMap((header) => ["--header", header]),
    ...(kept.headerCommand === undefined ? [] : ["--header-command", kept.headerCommand]),
  ]
    .map(quoteWord)
    .join(" ");
  const flags = [
    ...(kept.wait === undefined ? [] : [`--wait ${kept.wait}`]),
    ...(kept.disableAutostart === true ? ["--disable-autostart"] : []),
  ];
  const linesOf = (form: string) =>
    mergeOptions(
      [
        "ConnectTimeout 0",
        "LogLevel ERROR",
        "StrictHostKeyChecking yes",
        "UserKnownHostsFile /dev/null",
        `KnownHostsCommand ${base} ssh-known-host ${form} %I %H`,
        `ProxyCommand ${[base, "ssh --stdio", ...flags, form, "%h"].join(" ")}`,
      ],
      Object.entries(deployment.ssh_config_options).map(([key, value]) => `${key} ${value}`),
      kept.sshOptions,
    );
  const prefix = kept.sshHostPrefix ?? deployment.hostname_prefix;
  const suffix = kept.hostnameSuffix ?? deployment.hostname_suffix;
  const hosts = (form: string, pattern: (name: string) => string) => {
    const lines = linesOf(form);
    return names.map((name) => ({ pattern: pattern(name), lines }));
  };
  return [
    ...(prefix === "" ? [] : hosts(`--ssh-host-prefix ${quoteWord(prefix)}`, (name) => `${prefix}${name}`)),
    ...(suffix === "" ? [] : hosts(`--hostname-suffix ${quoteWord(suffix)}`, (name) => `${name}.${suffix}`)),
  ];
}

/** Every workspace of the caller by name; each agent too, where there are several. */
export async function ownHostNames(client: HttpClient): Promise<string[]> {
  const { workspaces } = await client.call(routes.listWorkspaces, { query: { q: "owner:me" } });
  return workspaces.flatMap((workspace) => {
    const agents = agentsOf(workspace);
    return [
      workspace.name,
      ...(agents.length > 1 ? agents.map((agent) => `${workspace.name}.${agent.name}`) : []),
    ];
  });
}
