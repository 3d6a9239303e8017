import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readTemplate, writeVariableFile } from "./template.ts";

async function folderOf(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "berth-template-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

test("a template's variables come from HCL and JSON files, its README and its place from theirs", async () => {
  const folder = await folderOf({
    "main.tf": `variable "region" {\n  default = "eu"\n}\nvariable "key" {\n  type = string\n  sensitive = true\n}\n`,
    "more.tf.json": JSON.stringify({ variable: { zones: { type: "list(string)", default: ["a"] } } }),
    "broken.tf.json": "{",
    "README.md": "# Hello",
    "berth.json": `{"runsOn": "machine"}`,
  });
  expect(await readTemplate(folder)).toEqual({
    readme: "# Hello",
    runsOnMachine: true,
    hasTerraform: true,
    variables: [
      {
        name: "region",
        description: "",
        type: "string",
        defaultValue: "eu",
        required: false,
        sensitive: false,
      },
      { name: "key", description: "", type: "string", defaultValue: "", required: true, sensitive: true },
      {
        name: "zones",
        description: "",
        type: "list(string)",
        defaultValue: '["a"]',
        required: false,
        sensitive: false,
      },
    ],
  });
});

test("a folder without Terraform files is a template without Terraform", async () => {
  const folder = await folderOf({ "notes.txt": "" });
  expect(await readTemplate(folder)).toEqual({
    readme: "",
    runsOnMachine: false,
    hasTerraform: false,
    variables: [],
  });
});

test("values of variables are quoted for texts and expressions for the rest; undeclared ones are left out", () => {
  const declared = [
    { name: "a", description: "", type: "string", defaultValue: "", required: true, sensitive: false },
    { name: "b", description: "", type: "list(string)", defaultValue: "", required: true, sensitive: false },
  ];
  const values = new Map([
    ["a", '${x} "q"'],
    ["b", '["x"]'],
    ["c", "1"],
  ]);
  expect(writeVariableFile(declared, values)).toBe('a = "$${x} \\"q\\""\nb = ["x"]\n');
});
