import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readParameterFile } from "../src/parameters/parameter-file.ts";
import { Person } from "./person.ts";
import { SmallPlane } from "./small-plane.ts";

const template = { id: "t1", name: "go", display_name: "", description: "", active_version_id: "v2" };
const build = {
  id: "b1",
  build_number: 1,
  workspace_name: "dev",
  status: "stopped",
  template_version_id: "v1",
  template_version_name: "first",
  job: { status: "succeeded" },
};
const source = { id: "w1", name: "old", template_id: "t1", template_name: "go", latest_build: build };
const parameter = (name: string, more: object = {}) => ({
  name,
  display_name: "",
  description_plaintext: "",
  options: [],
  default_value: "",
  required: false,
  ephemeral: false,
  ...more,
});

let plane: SmallPlane;
let person: Person;
beforeEach(async () => {
  plane = await SmallPlane.start();
  person = await Person.at(plane);
  plane
    .on("GET /api/v2/organizations/default/templates/go", () => [200, template])
    .on("GET /api/v2/templates/t1/versions", () => [
      200,
      [
        { id: "v1", name: "first" },
        { id: "v2", name: "second" },
      ],
    ])
    .on("GET /api/v2/templateversions/v1/rich-parameters", () => [
      200,
      [parameter("size"), parameter("colour"), parameter("once", { ephemeral: true })],
    ])
    .on("GET /api/v2/templateversions/v2/rich-parameters", () => [
      200,
      [parameter("size"), parameter("region", { required: true })],
    ])
    .on("GET /api/v2/users/me/workspace/old", () => [200, source])
    .on("GET /api/v2/workspacebuilds/b1/parameters", () => [
      200,
      [
        { name: "size", value: "4" },
        { name: "colour", value: "blue" },
        { name: "once", value: "now" },
        { name: "gone", value: "x" },
      ],
    ])
    .on("POST /api/v2/users/me/workspaces", () => [201, { name: "dev", latest_build: build }])
    .on("POST /api/v2/workspaces/w1/builds", () => [201, build]);
});
afterEach(async () => {
  await person[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

async function parameterFile(text: string): Promise<string> {
  const file = join(person.folder, "parameters.yaml");
  await writeFile(file, text);
  return file;
}

const bodyOf = (what: string): unknown =>
  JSON.parse(plane.asked.find((each) => each.what === what)?.body ?? "null");
const created = () => bodyOf("POST /api/v2/users/me/workspaces");
const create = (...flags: string[]) => person.runHere(["create", "dev", "--yes", "--no-wait", ...flags]);

describe("create", () => {
  test("takes the version that is named, and asks by it", async () => {
    expect(await create("-t", "go", "--template-version", "first")).toMatchObject({ code: 0 });
    expect(created()).toEqual({
      name: "dev",
      template_id: "t1",
      template_version_id: "v1",
      rich_parameter_values: [],
      automatic_updates: "never",
    });
  });

  test("takes the active version when none is named, and leaves it to the plane which that is", async () => {
    await create("-t", "go", "--parameter", "region=eu", "--automatic-updates", "always");
    expect(created()).toEqual({
      name: "dev",
      template_id: "t1",
      rich_parameter_values: [{ name: "region", value: "eu" }],
      automatic_updates: "always",
    });
  });

  test("takes values from a file; a flag wins over the file, and the last flag over those before it", async () => {
    const file = await parameterFile("size: 8\nregion: us\n");
    const flags = ["--parameter", "region=eu", "--parameter", "region=asia"];
    await create("-t", "go", "--rich-parameter-file", file, ...flags);
    expect(created()).toMatchObject({
      rich_parameter_values: [
        { name: "size", value: "8" },
        { name: "region", value: "asia" },
      ],
    });
  });

  test("makes one like another: its template, version and parameters, but for what is given or is of one build", async () => {
    expect(await create("--copy-parameters-from", "old", "--parameter", "colour=red")).toMatchObject({
      code: 0,
    });
    expect(created()).toMatchObject({
      template_id: "t1",
      template_version_id: "v1",
      rich_parameter_values: [
        { name: "size", value: "4" },
        { name: "colour", value: "red" },
      ],
    });
  });

  test("copies into another version what that still asks for", async () => {
    await create(
      ...["--copy-parameters-from", "old", "--template-version", "second"],
      ...["--parameter-default", "region=eu", "--parameter-default", "size=1"],
    );
    expect(created()).toMatchObject({
      template_version_id: "v2",
      rich_parameter_values: [
        { name: "size", value: "4" },
        { name: "region", value: "eu" },
      ],
    });
  });

  test("of a template that demands its active version copies the parameters alone", async () => {
    plane.on("GET /api/v2/users/me/workspace/old", () => [
      200,
      { ...source, template_require_active_version: true },
    ]);
    await create("--copy-parameters-from", "old", "--parameter", "region=eu");
    expect(created()).not.toHaveProperty("template_version_id");
  });

  test("takes the variables of the public program", async () => {
    const file = await parameterFile("colour: red\n");
    await person.run(["create", "dev", "-t", "go", "--yes"], {
      env: {
        CODER_CREATE_NO_WAIT: "true",
        CODER_TEMPLATE_VERSION: "first",
        CODER_RICH_PARAMETER: "size=2",
        CODER_RICH_PARAMETER_FILE: file,
      },
    });
    expect(created()).toMatchObject({
      template_version_id: "v1",
      rich_parameter_values: [
        { name: "size", value: "2" },
        { name: "colour", value: "red" },
      ],
    });
  });

  test.each([
    [
      ["--template-version", "third"],
      'error: go has no version "third": see `berth templates versions list go`\n',
    ],
    [["--parameter", "sise=4"], 'error: go has no parameter "sise": it has size, region\n'],
    [[], 'error: parameter "region" is required: give --parameter region=<value>\n'],
    [["--copy-parameters-from", "nobody"], 'error: there is no workspace "nobody": see `berth list`\n'],
    [["--automatic-updates", "often"], /Allowed choices are always, never/],
  ])("%j is refused with what to do, and nothing is made", async (flags, said) => {
    const { code, stderr } = await create("-t", "go", ...flags);
    expect(code).toBe(1);
    if (typeof said === "string") expect(stderr).toBe(said);
    else expect(stderr).toMatch(said);
    expect(created()).toBeNull();
  });

  test("names the stranger in a file, and the file that is not there, before anything is asked", async () => {
    const file = await parameterFile("sise: 4\n");
    expect(await create("-t", "go", "--rich-parameter-file", file)).toMatchObject({
      code: 1,
      stderr: 'error: go has no parameter "sise": it has size, region\n',
    });
    const asked = plane.asked.length;
    const { code, stderr } = await create("-t", "go", "--rich-parameter-file", `${file}.old`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: --rich-parameter-file .*parameters\.yaml\.old cannot be read \(ENOENT/);
    expect(plane.asked).toHaveLength(asked);
  });
});

describe("start", () => {
  beforeEach(() => void plane.on("GET /api/v2/users/me/workspace/dev", () => [200, source]));

  test("changes the parameters of a file and of flags", async () => {
    const file = await parameterFile("size: 16\ncolour: green\n");
    await person.runHere([
      ...["start", "dev", "--no-wait"],
      ...["--rich-parameter-file", file, "--parameter", "size=32"],
    ]);
    expect(bodyOf("POST /api/v2/workspaces/w1/builds")).toEqual({
      transition: "start",
      reason: "cli",
      rich_parameter_values: [
        { name: "size", value: "32" },
        { name: "colour", value: "green" },
      ],
    });
  });

  test("of a workspace that runs says that its parameters stay", async () => {
    const running = { ...source, name: "dev", latest_build: { ...build, status: "running" } };
    plane.on("GET /api/v2/users/me/workspace/dev", () => [200, running]);
    expect((await person.runHere(["start", "dev"])).stderr).toBe("dev runs already\n");
    expect((await person.runHere(["start", "dev", "--parameter", "size=1"])).stderr).toBe(
      "dev runs already, with the parameters it had: stop it first to change them\n",
    );
    expect(bodyOf("POST /api/v2/workspaces/w1/builds")).toBeNull();
  });
});

describe("a file of parameters", () => {
  test("gives text as it is written: numbers keep their digits, a list is its JSON, an alias what it stands for", async () => {
    const file = await parameterFile(
      'version: 1.10\nport: 0x1F\nfast: true\nnone: ""\nzones: [a, "b"]\nscript: |\n  one\n  two\nbase: &b x\nsame: *b\n',
    );
    expect(await readParameterFile(file)).toEqual([
      { name: "version", value: "1.10" },
      { name: "port", value: "0x1F" },
      { name: "fast", value: "true" },
      { name: "none", value: "" },
      { name: "zones", value: '["a","b"]' },
      { name: "script", value: "one\ntwo\n" },
      { name: "base", value: "x" },
      { name: "same", value: "x" },
    ]);
    expect(await readParameterFile(await parameterFile("# nothing yet\n"))).toEqual([]);
  });

  test.each([
    [
      "a: b: c\n",
      /is not valid YAML: .* at line 1, column 4: write a line "name: value" for each parameter$/,
    ],
    ["size: 1\nsize: 2\n", /is not valid YAML: .* at line 2/],
    ["- size\n", 'is no map of parameters: write a line "name: value" for each'],
    ["just text\n", 'is no map of parameters: write a line "name: value" for each'],
    ["size:\n", 'gives "size" no plain value: write text, a number, true, false or a list'],
    ["size: {cpu: 4}\n", 'gives "size" no plain value'],
  ])("%j is refused by the file's name, with what to write", async (text, said) => {
    const file = await parameterFile(text);
    const refused = readParameterFile(file);
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(refused).rejects.toThrow(said);
    await expect(refused).rejects.toThrow(`--rich-parameter-file ${file} `);
  });
});
