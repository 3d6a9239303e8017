import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { provisioner } from "@berth/contract";
import { type Value, type Values, blocksOf, isValues, textOf, toValue } from "../provider/value.ts";
import { type HclBlock, readBlocks, readLiteral, writeLiteral } from "./hcl.ts";

/** What a template says of itself without Terraform. */
export interface Template {
  readonly variables: readonly provisioner.TemplateVariable[];
  readonly readme: string;
  /** berth.json says {"runsOn": "machine"}: its workspaces belong to the machine that built them first. */
  readonly runsOnMachine: boolean;
  readonly hasTerraform: boolean;
}

const README_BYTES = 1024 * 1024;

/** Reads the folder of a template. A file that does not parse is skipped: Terraform says what is wrong with it. */
export async function readTemplate(folder: string): Promise<Template> {
  const files = await readdir(folder);
  const terraform = files.filter((file) => file.endsWith(".tf") || file.endsWith(".tf.json")).sort();
  const found = new Map<string, provisioner.TemplateVariable>();
  for (const file of terraform) {
    const text = await readFile(join(folder, file), "utf8");
    for (const variable of file.endsWith(".json") ? variablesOfJson(text) : variablesOfHcl(text))
      found.set(variable.name, variable);
  }
  const readme = files.find((file) => file.toLowerCase() === "readme.md");
  return {
    variables: [...found.values()],
    readme: readme === undefined ? "" : (await readFile(join(folder, readme), "utf8")).slice(0, README_BYTES),
    runsOnMachine: await saysMachine(join(folder, "berth.json")),
    hasTerraform: terraform.length > 0,
  };
}

/** The values of declared variables as a file for `-var-file`: command lines are seen by every user of the machine. */
export function writeVariableFile(
  declared: readonly provisioner.TemplateVariable[],
  values: ReadonlyMap<string, string>,
): string {
  return declared
    .flatMap(({ name, type }) => {
      const value = values.get(name);
      if (value === undefined) return [];
      const isText = type === "string" || value.trim() === "";
      return [`${name} = ${isText ? writeLiteral(value) : value}\n`];
    })
    .join("");
}

function variablesOfHcl(text: string): provisioner.TemplateVariable[] {
  return readBlocks(text)
    .filter(({ type, labels }) => type === "variable" && labels.length === 1)
    .map(variableOfBlock);
}

function variableOfBlock({ labels, attributes }: HclBlock): provisioner.TemplateVariable {
  const fallback = attributes.get("default");
  const literal = fallback === undefined ? undefined : (readLiteral(fallback) ?? fallback);
  return {
    name: labels[0] ?? "",
    description: readLiteral(attributes.get("description") ?? "") ?? "",
    type: readLiteral(attributes.get("type") ?? "") ?? attributes.get("type") ?? "string",
    defaultValue: literal === "null" ? "" : (literal ?? ""),
    required: fallback === undefined,
    sensitive: attributes.get("sensitive") === "true",
  };
}

function variablesOfJson(text: string): provisioner.TemplateVariable[] {
  const json = parse(text);
  // Terraform takes an object, or a list of objects where order or repetition matters
  const groups = isValues(json) ? [json["variable"] ?? null].flat() : [];
  return blocksOf(groups).flatMap((group) =>
    Object.entries(group).flatMap(([name, body]) => {
      const first = Array.isArray(body) ? blocksOf(body)[0] : body;
      return isValues(first) ? [variableOfJson(name, first)] : [];
    }),
  );
}

function variableOfJson(name: string, body: Values): provisioner.TemplateVariable {
  const fallback = body["default"];
  return {
    name,
    description: textOf(body["description"]),
    type: textOf(body["type"]) || "string",
    defaultValue:
      typeof fallback === "object" && fallback !== null ? JSON.stringify(fallback) : textOf(fallback),
    required: !("default" in body),
    sensitive: body["sensitive"] === true,
  };
}

async function saysMachine(path: string): Promise<boolean> {
  try {
    const json = parse(await readFile(path, "utf8"));
    return isValues(json) && json["runsOn"] === "machine";
  } catch {
    return false; // most templates have none
  }
}

function parse(text: string): Value {
  try {
    return toValue(JSON.parse(text));
  } catch {
    return null; // Terraform says what is wrong with it
  }
}
