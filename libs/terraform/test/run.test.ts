import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { StateWatch, type State, addressesInState } from "../src/index.ts";
import { head, reasonOf, tryBuild, withTerraform } from "./build.ts";

withTerraform("a template that does not parse is refused with file, line and reason", async () => {
  await using build = await tryBuild({ "main.tf": `resource "terraform_data" "x" {\n  input = \n}\n` });
  expect(reasonOf(await build.terraform.init())).toMatch(/^terraform init: main\.tf:2: Invalid expression/);
});

withTerraform("what the provider does not have is named, with its place and what there is", async () => {
  await using build = await tryBuild({
    "main.tf": `${head}\nresource "coder_app" "code" {\n  agent_id = "x"\n}\n`,
  });
  const said = reasonOf(await build.terraform.plan("p"));
  expect(said).toMatch(
    /^terraform plan: main\.tf:\d+: Invalid resource type: .*"coder_app"\. This release has coder_agent, /,
  );
  expect(said).toContain("data.coder_parameter");
});

withTerraform("Terraform sees no secret of the control plane and does see the cloud's", async () => {
  const file = "seen.txt";
  await using build = await tryBuild(
    {
      "main.tf": `resource "terraform_data" "x" {\n  provisioner "local-exec" {\n    command = "env > ${file}"\n  }\n}\n`,
    },
    {},
    {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      CODER_PG_CONNECTION_URL: "postgres://secret",
      CODER_PROVISIONER_DAEMON_KEY: "secret",
      DB_PASSWORD: "secret",
      AWS_SECRET_ACCESS_KEY: "cloud",
      KUBERNETES_SERVICE_HOST: "10.0.0.1",
      HTTPS_PROXY: "http://proxy",
    },
  );
  await build.terraform.plan("p");
  await build.terraform.apply("p");
  const seen = await readFile(join(build.folder, file), "utf8");
  expect(seen).not.toContain("secret");
  expect(seen).toContain("AWS_SECRET_ACCESS_KEY=cloud");
  expect(seen).toContain("KUBERNETES_SERVICE_HOST=10.0.0.1");
  expect(seen).toContain("HTTPS_PROXY=http://proxy");
  expect(seen).toContain("CHECKPOINT_DISABLE=1");
});

withTerraform("an interrupt in the middle of an apply keeps the state of what was made", async () => {
  await using build = await tryBuild({
    "main.tf": `${head}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "slow" {
  input = coder_agent.main.id
  provisioner "local-exec" {
    command = "echo in the middle; exec sleep 60"
  }
}
`,
  });
  const { terraform } = build;
  await terraform.init();
  await terraform.plan("p");
  const states: State[] = [];
  const applying = (async () => {
    await using _watch = new StateWatch(terraform.stateFile, undefined, (state) => void states.push(state));
    return await terraform.apply("p");
  })();
  await vi.waitFor(
    () => expect(build.log.map(({ output }) => output).join("\n")).toContain("in the middle"),
    { timeout: 15_000 },
  );
  build.running()?.process.interrupt();
  expect(await applying).toMatchObject({ kind: "failed" });
  const state = await terraform.readState();
  expect(addressesInState(state?.bytes ?? Buffer.alloc(0))).toContain("coder_agent.main");
  expect(states.at(-1)?.serial).toBe(state?.serial);
  expect(states.map(({ serial }) => serial)).toEqual(
    [...new Set(states.map(({ serial }) => serial))].sort((a, b) => a - b),
  );
});

withTerraform("a Terraform that is killed takes what it started with it", async () => {
  await using build = await tryBuild({
    "main.tf": `resource "terraform_data" "x" {\n  provisioner "local-exec" {\n    command = "echo $$ > pid; echo begun; while :; do sleep 0.1; done"\n  }\n}\n`,
  });
  await build.terraform.plan("p");
  const applying = build.terraform.apply("p");
  // Terraform says the command itself before it runs
  await vi.waitFor(() => expect(build.log.map(({ output }) => output).join("\n")).toMatch(/: begun$/m), {
    timeout: 15_000,
  });
  const pid = Number(await readFile(join(build.folder, "pid"), "utf8"));
  process.kill(build.running()?.process.pid ?? 0, "SIGKILL");
  expect(await applying).toMatchObject({ kind: "failed", reason: "terraform apply: ended by SIGKILL" });
  await vi.waitFor(async () =>
    expect(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z")).toContain(") Z"),
  );
});

withTerraform("two builds side by side are told each of its own workspace", async () => {
  const files = {
    "main.tf": `${head}\nresource "terraform_data" "x" {\n  input = data.coder_workspace.me.name\n}\n`,
  };
  const run = async (name: string) => {
    await using build = await tryBuild(files, { workspace: { id: name, name } });
    await build.terraform.plan("p");
    await build.terraform.apply("p");
    return (await build.terraform.readState())?.bytes.toString("utf8");
  };
  const [one, two] = await Promise.all([run("first"), run("second")]);
  expect(one).toContain(`"value": "first"`);
  expect(two).toContain(`"value": "second"`);
});
