import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import {
  type BuildContext,
  type LogLine,
  type NewAgent,
  type Outcome,
  type RunningTerraform,
  Terraform,
  findTerraform,
  serveProvider,
  terraformEnvironment,
} from "../src/index.ts";

const executable = await findTerraform(process.env["PATH"] ?? "").catch((missing: unknown) =>
  String(missing),
);

/** A test with the real Terraform; skipped, and its name says why, where there is none. */
export const withTerraform = typeof executable === "string" ? test.skip : test;

/** One build of a template in a folder of its own. */
export interface TriedBuild extends AsyncDisposable {
  readonly terraform: Terraform;
  readonly folder: string;
  readonly agents: NewAgent[];
  readonly log: LogLine[];
  readonly running: () => RunningTerraform | undefined;
  /** Changes what the provider is told from the next command on. */
  tell(change: Partial<BuildContext>): Promise<void>;
  /** Takes the provider's socket away. */
  loseProvider(): Promise<void>;
}

export const context: BuildContext = {
  transition: "start",
  purpose: "build",
  workspace: { id: "11111111-1111-4111-8111-111111111111", name: "dev" },
  template: { id: "22222222-2222-4222-8222-222222222222", name: "docker", version: "v1" },
  owner: {
    id: "33333333-3333-4333-8333-333333333333",
    name: "alice",
    fullName: "Alice A",
    email: "alice@example.com",
    loginType: "password",
    groups: ["everyone"],
    roles: [{ name: "owner", organizationId: "" }],
    sshPublicKey: "ssh-ed25519 AAAA",
    sshPrivateKey: "PRIVATE",
    sessionToken: "session",
    oidcAccessToken: "",
  },
  accessUrl: "https://berth.example.com",
  parameters: new Map(),
  previousParameters: new Map(),
  initScript: (os, arch) => `start an agent for ${os} ${arch}`,
  onAgent: () => undefined,
};

/** Opens a build of the given files. */
export async function tryBuild(
  files: Record<string, string>,
  change: Partial<BuildContext> = {},
  inherited: Record<string, string | undefined> = process.env,
): Promise<TriedBuild> {
  if (typeof executable === "string") throw new Error(executable);
  const folder = await mkdtemp(join(tmpdir(), "berth-build-"));
  const [source, output] = [join(folder, "source"), join(folder, "output")];
  await mkdir(source);
  for (const [name, text] of Object.entries(files)) await writeFile(join(source, name), text);
  const [agents, log]: [NewAgent[], LogLine[]] = [[], []];
  let running: RunningTerraform | undefined;
  const open = (told: BuildContext) => serveProvider({ ...told, onAgent: (agent) => agents.push(agent) });
  let provider = await open({ ...context, ...change });
  const environment = terraformEnvironment(inherited, { TF_REATTACH_PROVIDERS: provider.reattach });
  const terraform = new Terraform({
    executable,
    source,
    output,
    environment,
    signal: new AbortController().signal,
    ears: {
      onLog: (lines) => void log.push(...lines),
      onProcess: (now) => {
        running = now;
        return Promise.resolve();
      },
    },
  });
  return {
    terraform,
    folder: source,
    agents,
    log,
    running: () => running,
    async tell(next) {
      await provider[Symbol.asyncDispose]();
      provider = await open({ ...context, ...change, ...next });
      environment["TF_REATTACH_PROVIDERS"] = provider.reattach;
    },
    async loseProvider() {
      const [socket] = /\/[^"]*/.exec(provider.reattach.split('"String":"')[1] ?? "") ?? [];
      await rm(socket ?? "");
    },
    async [Symbol.asyncDispose]() {
      running?.process.kill();
      await provider[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Why a command failed; "" when it did not. */
export function reasonOf(outcome: Outcome): string {
  return outcome.kind === "failed" ? outcome.reason : "";
}

/** The head of every template in these tests. */
export const head = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_provisioner" "me" {}
`;
