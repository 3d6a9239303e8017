import type { provisioner } from "@berth/contract";
import {
  type Value,
  type Values,
  blocksOf,
  booleanOf,
  isValues,
  numberOf,
  textOf,
} from "../provider/value.ts";
import type { Instance } from "./instances.ts";

/** Apps that a workspace shows by itself, and whether it does when the template does not say. */
const DISPLAY_APPS = {
  vscode: true,
  vscode_insiders: false,
  web_terminal: true,
  ssh_helper: true,
  port_forwarding_helper: true,
} as const;

/** An agent of a plan (id and token may not be known yet) or of a state. */
export function toAgent({ name, values }: Instance): provisioner.Agent {
  return {
    id: textOf(values["id"]),
    name,
    operatingSystem: textOf(values["os"]),
    architecture: textOf(values["arch"]),
    directory: textOf(values["dir"]),
    environment: textsOf(values["env"]),
    token: textOf(values["token"]),
    connectionTimeoutSeconds: numberOf(values["connection_timeout"], 120),
    troubleshootingUrl: textOf(values["troubleshooting_url"]),
    motdFile: textOf(values["motd_file"]),
    displayApps: displayAppsOf(blocksOf(values["display_apps"])[0]),
    scripts: scriptsOf(values),
    metadata: blocksOf(values["metadata"]).map((each) => ({
      key: textOf(each["key"]),
      displayName: textOf(each["display_name"]),
      script: textOf(each["script"]),
      intervalSeconds: wholeOf(each["interval"]),
      timeoutSeconds: wholeOf(each["timeout"]),
      order: wholeOf(each["order"]),
    })),
    startupScriptBehavior: textOf(values["startup_script_behavior"]) || "non-blocking",
    order: wholeOf(values["order"]),
    instanceId: "",
  };
}

function displayAppsOf(block: Values | undefined): string[] {
  return Object.entries(DISPLAY_APPS)
    .filter(([name, shown]) => booleanOf(block?.[name], shown))
    .map(([name]) => name);
}

function scriptsOf(values: Values): provisioner.Script[] {
  const isBlocking = values["startup_script_behavior"] === "blocking";
  const start = script("Startup Script", values["startup_script"], "coder-startup-script.log");
  const stop = script("Shutdown Script", values["shutdown_script"], "coder-shutdown-script.log");
  return [
    ...(start === undefined ? [] : [{ ...start, runOnStart: true, startBlocksLogin: isBlocking }]),
    ...(stop === undefined ? [] : [{ ...stop, runOnStop: true }]),
  ];
}

function script(
  displayName: string,
  source: Value | undefined,
  logPath: string,
): provisioner.Script | undefined {
  if (textOf(source) === "") return undefined;
  return {
    displayName,
    icon: "",
    source: textOf(source),
    logPath,
    cron: "",
    runOnStart: false,
    runOnStop: false,
    startBlocksLogin: false,
    timeoutSeconds: 0,
  };
}

function textsOf(value: Value | undefined): Record<string, string> {
  if (!isValues(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, textOf(each)]));
}

function wholeOf(value: Value | undefined): bigint {
  return BigInt(Math.trunc(numberOf(value)));
}
