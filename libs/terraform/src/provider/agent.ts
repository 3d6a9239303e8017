import { randomUUID } from "node:crypto";
import { type Finding, refuse, warn } from "./diagnostic.ts";
import { type Block, type NestedBlock, computed, optional, required } from "./schema.ts";
import type { Resource } from "./resource.ts";
import { blocksOf, textOf } from "./value.ts";

const SYSTEMS = ["linux", "darwin", "windows"];
const ARCHITECTURES = ["amd64", "arm64", "armv7"];
const AUTHENTICATIONS = [
  "token",
  "google-instance-identity",
  "aws-instance-identity",
  "azure-instance-identity",
];
const BEHAVIORS = ["blocking", "non-blocking"];

const displayApps: NestedBlock = {
  nesting: "set",
  maxItems: 1,
  attributes: {
    vscode: optional("bool", "Shows VS Code Desktop (default true)"),
    vscode_insiders: optional("bool", "Shows VS Code Insiders (default false)"),
    web_terminal: optional("bool", "Shows the web terminal (default true)"),
    ssh_helper: optional("bool", "Shows how to connect with SSH (default true)"),
    port_forwarding_helper: optional("bool", "Shows how to forward ports (default true)"),
  },
  blocks: {},
};

const metadata: NestedBlock = {
  nesting: "list",
  maxItems: 0,
  attributes: {
    key: required("string", "Identifies the item among those of the agent"),
    script: required("string", "Its output is the value"),
    interval: required("number", "Seconds between two runs"),
    display_name: optional("string", "What people see"),
    timeout: optional("number", "Seconds the script may take"),
    order: optional("number", "Place among the items"),
  },
  blocks: {},
};

const threshold = {
  enabled: required("bool", "Whether it is watched"),
  threshold: required("number", "Per cent"),
};

const resourcesMonitoring: NestedBlock = {
  nesting: "set",
  maxItems: 1,
  attributes: {},
  blocks: {
    memory: { nesting: "set", maxItems: 1, attributes: threshold, blocks: {} },
    volume: {
      nesting: "set",
      maxItems: 0,
      attributes: { ...threshold, path: required("string", "Mount point") },
      blocks: {},
    },
  },
};

const block: Block = {
  attributes: {
    id: computed("string", "Id of the agent"),
    token: computed("string", "What the agent proves itself with", { sensitive: true }),
    init_script: computed("string", "Starts the agent; reads CODER_AGENT_TOKEN"),
    os: required("string", "linux, darwin or windows"),
    arch: required("string", "amd64, arm64 or armv7"),
    auth: optional("string", "How the agent proves itself", "token"),
    api_key_scope: optional("string", "What the agent may read of its owner: all or no_user_data", "all"),
    dir: optional("string", "Where a session starts; the home folder when not set"),
    env: optional(["map", "string"], "Environment of sessions"),
    startup_script: optional("string", "Runs when the agent starts"),
    startup_script_behavior: optional("string", "blocking or non-blocking", "non-blocking"),
    shutdown_script: optional("string", "Runs when the agent stops"),
    connection_timeout: optional(
      "number",
      "Seconds until an agent that never came is shown as timed out",
      120,
    ),
    troubleshooting_url: optional("string", "Shown when the agent does not connect"),
    motd_file: optional("string", "File shown at log-in"),
    order: optional("number", "Place among the workspace's agents"),
  },
  blocks: { display_apps: displayApps, metadata, resources_monitoring: resourcesMonitoring },
};

/** `coder_agent`: every change of its attributes makes a new agent with a new token, and without one both stay. */
export const agent: Resource = {
  block,
  validate(config) {
    const findings: Finding[] = [
      ...oneOf("os", textOf(config["os"]), SYSTEMS),
      ...oneOf("arch", textOf(config["arch"]), ARCHITECTURES),
      ...oneOf("auth", textOf(config["auth"]), AUTHENTICATIONS),
      ...oneOf("api_key_scope", textOf(config["api_key_scope"]), ["all", "no_user_data"]),
      ...oneOf("startup_script_behavior", textOf(config["startup_script_behavior"]), BEHAVIORS),
    ];
    const auth = textOf(config["auth"]);
    if (auth.endsWith("-instance-identity"))
      findings.push(
        refuse("Unsupported agent authentication", `auth = "${auth}" is not supported: use "token".`, "auth"),
      );
    if (blocksOf(config["resources_monitoring"]).length > 0)
      findings.push(
        warn(
          "Resources are not monitored",
          "resources_monitoring is accepted and has no effect here.",
          "resources_monitoring",
        ),
      );
    return [...findings, ...repeatedKeys(blocksOf(config["metadata"]).map(({ key }) => textOf(key)))];
  },
  create(planned, build) {
    const made = {
      id: randomUUID(),
      token: randomUUID(),
      operatingSystem: textOf(planned["os"]),
      architecture: textOf(planned["arch"]),
    };
    build.onAgent(made);
    const init_script = build.initScript(made.operatingSystem, made.architecture);
    return { ...planned, id: made.id, token: made.token, init_script };
  },
  refresh(state, build) {
    return { ...state, init_script: build.initScript(textOf(state["os"]), textOf(state["arch"])) };
  },
};

function oneOf(name: string, value: string, allowed: readonly string[]): Finding[] {
  if (value === "" || allowed.includes(value)) return [];
  return [refuse(`Invalid ${name}`, `${name} is "${value}"; expected one of ${allowed.join(", ")}.`, name)];
}

function repeatedKeys(keys: readonly string[]): Finding[] {
  return keys.flatMap((key, index) =>
    key !== "" && keys.indexOf(key) < index
      ? [
          refuse(
            "Repeated metadata key",
            `metadata key "${key}" is used twice; keys are unique.`,
            "metadata",
            index,
            "key",
          ),
        ]
      : [],
  );
}
