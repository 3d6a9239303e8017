import { randomUUID } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { durationFromMs, provisioner } from "@berth/contract";
import { environment, parse } from "@berth/config";
import { Scope } from "@berth/std";
import { findTerraform } from "@berth/terraform";
import { createMetrics } from "@berth/telemetry";
import { type Program, recordedLog, spawnProgram, temporaryFolder } from "@berth/testing";
import { create } from "tar";
import { test } from "vitest";
import { daemonConfig } from "../src/config.ts";
import type { Daemon } from "../src/daemon.ts";
import { openDaemon } from "../src/open-daemon.ts";
import { PERIODS, type Periods } from "../src/periods.ts";
import type { ScriptedPlane } from "./scripted-plane.ts";

const terraform = await findTerraform(environment()["PATH"] ?? "").catch(() => undefined);

/** A test with the real Terraform; skipped where there is none on the PATH. */
export const withTerraform = terraform === undefined ? test.skip : test;

/** Periods short enough for a test. */
export const QUICK: Periods = {
  ...PERIODS,
  beatMs: 100,
  redialMs: 400,
  silenceMs: 1_500,
  uncommittedMs: 2_500,
};

/** A daemon in this process. */
export interface DaemonAtWork extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly running: Promise<void>;
  readonly cacheFolder: string;
  readonly log: ReturnType<typeof recordedLog>;
}

/** Starts a daemon in this process, against the target. */
export async function startDaemon(
  target: string,
  options: { cacheFolder: string; periods?: Periods },
): Promise<DaemonAtWork> {
  const scope = new Scope();
  const log = recordedLog();
  const {
    values: [config],
  } = parse([daemonConfig], { env: variables(target, options.cacheFolder) });
  const daemon = await openDaemon({
    ...{ config, log, scope },
    environment: environment(),
    metrics: createMetrics(),
    selfCommand: (words) => ["/opt/berth", ...words],
    periods: options.periods ?? PERIODS,
  });
  const running = daemon.run();
  running.catch(() => undefined); // the test looks at it, or not
  return {
    ...{ daemon, running, log },
    cacheFolder: options.cacheFolder,
    async [Symbol.asyncDispose]() {
      daemon.force();
      await running.catch(() => undefined); // the test has looked at it, or not
      await scope.close();
    },
  };
}

/** What a daemon is told by its environment. */
export function variables(target: string, cacheFolder: string): Record<string, string> {
  return {
    CODER_URL: target,
    CODER_PROVISIONER_DAEMON_PSK: "pre-shared",
    CODER_PROVISIONER_DAEMON_NAME: "tested",
    CODER_CACHE_DIRECTORY: cacheFolder,
    CODER_PROVISIONER_FORCE_CANCEL_INTERVAL: "10s",
    XDG_DATA_HOME: join(cacheFolder, "data"),
  };
}

/** Starts the real program. */
export function spawnDaemon(target: string, cacheFolder: string, more: Record<string, string> = {}): Program {
  const main = join(import.meta.dirname, "../src/main.ts");
  return spawnProgram([process.execPath, main], { env: { ...variables(target, cacheFolder), ...more } });
}

/** A Terraform that notes its pids, and holds one command before it begins. */
export interface HeldTerraform {
  /** Leads to it. */
  readonly PATH: string;
  holdNoMore(): Promise<void>;
}

/** Puts it into the folder; `deaf` is one that an interrupt does not end. Beside it lie `pids`, and `held` while it holds. */
export async function heldTerraform(
  folder: string,
  command = "none",
  { deaf = false } = {},
): Promise<HeldTerraform> {
  const { path } = await findTerraform(environment()["PATH"] ?? "");
  const bin = join(folder, "bin");
  await mkdir(bin);
  const write = (lines: string) =>
    writeFile(join(bin, "terraform"), `#!/bin/sh\n${lines}exec '${path}' "$@"\n`, { mode: 0o755 });
  const hold = `${deaf ? "trap '' INT; " : ""}touch '${folder}/held'; while :; do sleep 0.05; done`;
  await write(`echo $$ >> '${folder}/pids'\nif [ "$1" = ${command} ]; then ${hold}; fi\n`);
  return { PATH: `${bin}:${environment()["PATH"] ?? ""}`, holdNoMore: () => write("") };
}

/** The record of the job that runs. */
export async function readRecord(
  cacheFolder: string,
): Promise<{ terraform: { mark: { pid: number }; guard: { pid: number } } }> {
  const text = await readFile(join(cacheFolder, "job.json"), "utf8");
  return JSON.parse(text) as Awaited<ReturnType<typeof readRecord>>; // our own file
}

/** Packs a template. */
export async function pack(files: Record<string, string>): Promise<Buffer> {
  await using folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), text);
  }
  const chunks: Buffer[] = [];
  const packed = create({ cwd: folder.path, portable: true }, await readdir(folder.path));
  for await (const chunk of packed) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A workspace build of a template. */
export async function buildJob(
  plane: ScriptedPlane,
  files: Record<string, string>,
  change: Partial<provisioner.WorkspaceBuild> = {},
): Promise<provisioner.Job> {
  const value: provisioner.WorkspaceBuild = {
    buildId: randomUUID(),
    buildNumber: 1,
    workspaceId: randomUUID(),
    workspaceName: "dev",
    transition: provisioner.Transition.START,
    owner: undefined,
    templateId: randomUUID(),
    templateName: "template",
    templateVersionName: "v1",
    parameters: [],
    variables: [],
    state: undefined,
    accessUrl: "http://berth.example.com",
    organizationId: randomUUID(),
    debugLog: false,
    previousParameters: [],
    ...change,
  };
  return jobOf(plane, files, { $case: "workspaceBuild", value });
}

/** An import of a template. */
export async function importJob(
  plane: ScriptedPlane,
  files: Record<string, string>,
  variableValues: provisioner.VariableValue[] = [],
): Promise<provisioner.Job> {
  const value: provisioner.TemplateImport = {
    variables: variableValues,
    templateName: "template",
    templateVersionName: "v1",
    owner: undefined,
  };
  return jobOf(plane, files, { $case: "templateImport", value });
}

async function jobOf(
  plane: ScriptedPlane,
  files: Record<string, string>,
  kind: NonNullable<provisioner.Job["kind"]>,
): Promise<provisioner.Job> {
  return {
    jobId: randomUUID(),
    epoch: 7n,
    attempt: 1,
    traceparent: "",
    createdAt: new Date(),
    provisioner: "terraform",
    archive: plane.store(await pack(files)),
    lease: durationFromMs(30_000),
    kind,
  };
}

/** The head of every template in these tests. */
export const head = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
`;

/** An agent that is made at once, and a resource that waits for a file. */
export function waitingTemplate(gate: string): Record<string, string> {
  return {
    "main.tf": `${head}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "waits" {
  input = coder_agent.main.id
  provisioner "local-exec" {
    command = "echo waiting; until [ -e '${gate}' ]; do sleep 0.05; done; echo going on"
  }
}
`,
  };
}
