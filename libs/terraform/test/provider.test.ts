import { expect } from "vitest";
import {
  addressesInState,
  instancesOf,
  plannedAddresses,
  readGraph,
  readParameters,
  readResources,
} from "../src/index.ts";
import { isValues } from "../src/provider/value.ts";
import { head, reasonOf, tryBuild, withTerraform } from "./build.ts";

const template = `${head}
locals { token = coder_agent.main.token }
resource "coder_agent" "main" {
  os   = data.coder_provisioner.me.os
  arch = data.coder_provisioner.me.arch
  dir  = "/home/\${data.coder_workspace_owner.me.name}"
  env  = { GIT_AUTHOR_NAME = data.coder_workspace_owner.me.full_name }
  startup_script          = "echo hello"
  startup_script_behavior = "blocking"
  shutdown_script         = "echo bye"
  metadata {
    key      = "cpu"
    script   = "echo 1"
    interval = 10
  }
  display_apps {
    vscode       = false
    web_terminal = true
  }
}
resource "terraform_data" "volume" {
  input = data.coder_workspace.me.id
}
resource "terraform_data" "container" {
  count = data.coder_workspace.me.start_count
  input = { token = local.token, port = data.coder_workspace.me.access_port, volume = terraform_data.volume.output }
}
`;

withTerraform(
  "a workspace is planned, applied, planned again without a difference, stopped and destroyed",
  async () => {
    await using build = await tryBuild({ "main.tf": template });
    const { terraform } = build;
    expect(await terraform.init()).toEqual({ kind: "done" });
    expect(await terraform.plan("start")).toEqual({ kind: "done" });
    expect(plannedAddresses(await terraform.showPlan("start")).sort()).toEqual([
      "coder_agent.main",
      "terraform_data.container[0]",
      "terraform_data.volume",
    ]);
    expect(build.agents).toEqual([]);
    expect(await terraform.apply("start")).toEqual({ kind: "done" });
    expect(build.agents).toHaveLength(1);

    const resources = await readBuilt(build.terraform);
    const container = resources.find(({ address }) => address === "terraform_data.container[0]");
    expect(resources.map(({ address }) => address)).toEqual([
      "terraform_data.container[0]",
      "terraform_data.volume",
    ]);
    expect(container?.agents).toMatchObject([
      {
        ...{ id: build.agents[0]?.id, token: build.agents[0]?.token, name: "main", directory: "/home/alice" },
        environment: { GIT_AUTHOR_NAME: "Alice A" },
        displayApps: ["web_terminal", "ssh_helper", "port_forwarding_helper"],
        scripts: [
          { source: "echo hello", runOnStart: true, startBlocksLogin: true },
          { source: "echo bye", runOnStop: true },
        ],
        metadata: [{ key: "cpu", intervalSeconds: 10n }],
      },
    ]);

    expect(await terraform.plan("again")).toEqual({ kind: "done" });
    expect(plannedAddresses(await terraform.showPlan("again"))).toEqual([]);

    await build.tell({ transition: "stop" });
    expect(await terraform.plan("stop")).toEqual({ kind: "done" });
    expect(plannedAddresses(await terraform.showPlan("stop"))).toEqual(["terraform_data.container[0]"]);
    expect(await terraform.apply("stop")).toEqual({ kind: "done" });
    expect((await readBuilt(terraform)).flatMap(({ agents }) => agents)).toEqual([]);

    await build.tell({ transition: "start" });
    await terraform.plan("restart");
    await terraform.apply("restart");
    const [restarted] = (await readBuilt(terraform)).flatMap(({ agents }) => agents);
    expect(restarted?.token).toBe(build.agents[0]?.token);
    expect(build.agents).toHaveLength(1);

    await build.tell({ transition: "delete" });
    expect(await terraform.plan("delete", { destroy: true })).toEqual({ kind: "done" });
    expect(await terraform.apply("delete")).toEqual({ kind: "done" });
    const left = await terraform.readState();
    expect(addressesInState(left?.bytes ?? Buffer.alloc(0))).toEqual(new Set());
  },
);

withTerraform("a change of an agent's attributes makes a new agent, an omitted one falls back", async () => {
  const agent = (rest: string) =>
    `${head}\nresource "coder_agent" "main" {\n os = "linux"\n arch = "amd64"\n ${rest}\n}\n`;
  await using build = await tryBuild({ "main.tf": agent("connection_timeout = 60") });
  await build.terraform.init();
  await build.terraform.plan("one");
  await build.terraform.apply("one");
  const { writeFile } = await import("node:fs/promises");
  await writeFile(`${build.folder}/main.tf`, agent(""));
  await build.terraform.plan("two");
  expect(await build.terraform.apply("two")).toEqual({ kind: "done" });
  expect(build.agents).toHaveLength(2);
  expect(build.agents[0]?.token).not.toBe(build.agents[1]?.token);
  const state = await build.terraform.readState();
  expect(state?.bytes.toString()).toContain(`"connection_timeout": 120`);
});

withTerraform("a Terraform that does not reach its provider fails, and kills nobody", async () => {
  await using build = await tryBuild({ "main.tf": head });
  await build.loseProvider();
  expect(reasonOf(await build.terraform.plan("p"))).toContain("coder/coder");
});

withTerraform("parameters are read with their options and rules, in their order, at an import", async () => {
  await using build = await tryBuild(
    {
      "main.tf": `${head}
data "coder_parameter" "region" {
  name    = "region"
  mutable = true
  order   = 2
  option {
    name  = "Europe"
    value = "eu"
  }
  option {
    name  = "America"
    value = "us"
  }
}
data "coder_parameter" "cores" {
  name         = "cores"
  display_name = "CPU cores"
  type         = "number"
  default      = "2"
  order        = 1
  validation {
    min       = 1
    max       = 8
    monotonic = "increasing"
  }
}
resource "terraform_data" "vm" {
  input = tonumber(data.coder_parameter.cores.value)
}
`,
    },
    { purpose: "import" },
  );
  await build.terraform.init();
  expect(await build.terraform.plan("import")).toEqual({ kind: "done" });
  expect(readParameters(await build.terraform.showPlan("import"))).toMatchObject([
    {
      name: "cores",
      displayName: "CPU cores",
      type: "number",
      formType: "input",
      defaultValue: "2",
      required: false,
      validationMin: 1n,
      validationMax: 8n,
      validationMonotonic: "increasing",
    },
    {
      name: "region",
      required: true,
      mutable: true,
      options: [{ value: "eu" }, { value: "us" }],
      formType: "radio",
    },
  ]);
});

withTerraform(
  "a value that breaks a parameter's rules is refused as a diagnostic that names it",
  async () => {
    const files = {
      "main.tf": `${head}
data "coder_parameter" "cores" {
  name = "cores"
  type = "number"
  validation {
    min   = 1
    max   = 8
    error = "between {min} and {max}, not {value}"
  }
}
`,
    };
    const planWith = async (parameters: [string, string][], transition: "start" | "delete" = "start") => {
      await using build = await tryBuild(files, { parameters: new Map(parameters), transition });
      return await build.terraform.plan("p");
    };
    expect(await planWith([["cores", "4"]])).toEqual({ kind: "done" });
    expect(reasonOf(await planWith([["cores", "9"]]))).toContain("between 1 and 8, not 9");
    expect(reasonOf(await planWith([["cores", "many"]]))).toContain("is no number");
    expect(reasonOf(await planWith([]))).toContain('"cores" has no default');
    expect(await planWith([], "delete")).toEqual({ kind: "done" });
  },
);

withTerraform("a declaration that cannot be is an error with file and line", async () => {
  await using build = await tryBuild({
    "main.tf": `${head}
data "coder_parameter" "bad" {
  name    = "bad"
  type    = "number"
  default = "red"
}
resource "coder_agent" "main" {
  os   = "beos"
  arch = "amd64"
}
`,
  });
  const outcome = await build.terraform.plan("p");
  const places =
    outcome.kind === "failed"
      ? outcome.diagnostics.map(({ summary, at }) => `${summary} ${at?.file}:${at?.line}`)
      : [];
  expect(places.sort()).toEqual(["Invalid default main.tf:14", "Invalid os main.tf:17"]);
});

async function readBuilt(terraform: Awaited<ReturnType<typeof tryBuild>>["terraform"]) {
  const shown = await terraform.showState();
  return readResources(
    instancesOf(isValues(shown) ? shown["values"] : null),
    readGraph(await terraform.graph()),
  );
}
