import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { version } from "@berth/std";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Person } from "./person.ts";
import { SmallPlane } from "./small-plane.ts";

let plane: SmallPlane;
let person: Person;
beforeEach(async () => {
  plane = await SmallPlane.start();
  person = await Person.at(plane);
});
afterEach(async () => {
  await person[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

describe("results", () => {
  test.each([
    ["list", "/workspaces", { workspaces: [], count: 0 }],
    ["users list", "/users", { users: [], count: 0 }],
    ["templates list", "/templates", []],
    ["templates versions list go", "/templates/t1/versions", []],
    ["tokens list", "/users/me/keys/tokens", []],
    ["provisioner list", "/organizations/default/provisionerdaemons", []],
    ["provisioner keys list", "/organizations/default/provisionerkeys", []],
    ["replicas", "/replicas", []],
  ])("%s --output json prints an empty list as [], and nothing else", async (command, path, empty) => {
    plane.on(`GET /api/v2${path}`, () => [200, empty]);
    plane.on("GET /api/v2/organizations/default/templates/go", () => [200, { id: "t1", name: "go" }]);
    const { code, stdout } = await person.runHere([...command.split(" "), "--output", "json"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "[]\n" });
  });

  const dev = {
    owner_name: "ann",
    name: "dev",
    template_name: "go",
    organization_name: "default",
    favorite: true,
    outdated: false,
    health: { healthy: true },
    latest_build: {
      status: "running",
      transition: "start",
      template_version_name: "v7",
      created_at: "2020-01-01",
    },
  };

  test("a list shows the columns that are asked for, in that order; its JSON stays whole", async () => {
    plane.on("GET /api/v2/workspaces", () => [200, { workspaces: [dev], count: 1 }]);
    const list = (...flags: string[]) => person.runHere(["list", ...flags]);
    expect((await list("-c", "status, Workspace", "--column", "current version")).stdout).toBe(
      "STATUS   WORKSPACE  CURRENT VERSION\nrunning  ann/dev    v7\n",
    );
    expect((await list("--column=organization name,favorite")).stdout).toBe(
      "ORGANIZATION NAME  FAVORITE\ndefault            true\n",
    );
    expect((await list()).stdout).toMatch(
      /^WORKSPACE +TEMPLATE +STATUS +HEALTHY +LAST BUILT +CURRENT VERSION +OUTDATED\n/,
    );
    expect(JSON.parse((await list("-c", "status", "-o", "json")).stdout)).toEqual([dev]);
  });

  test("no workspace at all says how to make one; a filter that nothing fits is named", async () => {
    plane.on("GET /api/v2/workspaces", () => [200, { workspaces: [], count: 0 }]);
    expect((await person.runHere(["list"])).stderr).toBe(
      "No workspaces yet. Make one: berth create <name>\n",
    );
    expect((await person.runHere(["list", "--search", "status:failed"])).stderr).toBe(
      'No workspace fits --search "status:failed"\n',
    );
  });

  test("the table of replicas fits 100 columns; what is rarely read is had by --column", async () => {
    const replica = {
      id: "524eda7d-db41-485f-a7aa-952d8592a257",
      hostname: "berth-server-6d8f7c9b8d-x2x7q",
      created_at: new Date().toISOString(),
      relay_address: "http://10.244.13.201:3000",
      error: "",
      database_latency: 12_345,
      state: "unobserved",
      services: ["replica-registry", "relay-mesh", "api", "provisioner-daemons"],
      version,
    };
    plane.on("GET /api/v2/replicas", () => [200, [replica]]);
    const { stdout } = await person.runHere(["replicas"]);
    for (const shown of [replica.hostname, replica.relay_address, replica.state, "12.3ms", "now"])
      expect(stdout).toContain(shown);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
    expect((await person.runHere(["replicas", "-c", "id,version,services"])).stdout.split("\n")[1]).toBe(
      `${replica.id}  ${version}  ${replica.services.join(",")}`,
    );
  });

  test("another version at the deployment is a warning on stderr, and none where it is not wanted", async () => {
    plane.on("GET /api/v2/templates", () => [200, []]);
    plane.version = "v2.98.0";
    const told = await person.runHere(["templates", "list"]);
    expect(told.stderr).toBe(`warning: the deployment is v2.98.0 and this program ${version}\n`);
    expect(told.stdout).toBe("NAME  LAST UPDATED  USED BY\n");
    expect((await person.runHere(["templates", "list", "--no-version-warning"])).stderr).toBe("");
  });
});

describe("arguments", () => {
  const me = { username: "ann", email: "ann@example.com" };
  beforeEach(() => void plane.on("GET /api/v2/users/me", () => [200, me]));

  test("global flags stand before and after the command, and win over their variables", async () => {
    const env = { CODER_URL: "http://127.0.0.1:1", CODER_SESSION_TOKEN: "wrong" };
    const [before, after] = await Promise.all([
      person.run(["--url", plane.url, "--token", "right", "whoami"], { env }),
      person.run(["whoami", "--url", plane.url, "--token", "right", "--header", "X-Team=a=b"], { env }),
    ]);
    expect([before.stdout, after.stdout]).toEqual(
      Array(2).fill(`You are ann (ann@example.com) at ${plane.url}\n`),
    );
    expect(plane.asked.map(({ headers }) => headers["coder-session-token"])).toEqual(["right", "right"]);
    expect(plane.asked.map(({ headers }) => headers["x-team"])).toContain("a=b");
  });

  test("switches are taken as the public program takes them: =true, =false, and variables that say false", async () => {
    const outcomes = await Promise.all([
      person.run(["--use-keyring=false", "--verbose=true", "whoami"]),
      person.run(["whoami"], { env: { CODER_NO_VERSION_WARNING: "false", CODER_VERBOSE: "0" } }),
    ]);
    expect(outcomes.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      Array(2).fill({ code: 0, stderr: "" }),
    );
    expect(await person.run(["whoami"], { env: { CODER_FORCE_TTY: "perhaps" } })).toMatchObject({
      code: 1,
      stderr: 'error: CODER_FORCE_TTY="perhaps" is neither true nor false\n',
    });
  });

  test("headers may come from a command, which is told the deployment", async () => {
    const { code } = await person.runHere(["whoami", "--header-command", "echo X-From=$CODER_URL"]);
    expect(code).toBe(0);
    expect(plane.asked.at(-1)?.headers["x-from"]).toBe(plane.url);
  });

  test.each([
    [["tmplates"], "error: unknown command 'tmplates'\n(Did you mean templates?)\n"],
    [["sever"], "error: unknown command 'sever'\n(Did you mean server?)\n"],
    [["provisioner", "strat"], "error: unknown command 'strat'\n(Did you mean start?)\n"],
    [["list", "--serch", "x"], "error: unknown option '--serch'\n(Did you mean --search?)\n"],
    [["ssh"], "error: missing required argument 'workspace'\n"],
    [["list", "-o", "yaml"], /Allowed choices are table, json/],
    [
      ["list", "-c", "status,colour"],
      /^error: there is no column "colour": the columns are workspace, template, /,
    ],
    [["users", "list", "--column", ""], /^error: there is no column "": the columns are username, email, /],
    [["create", "dev", "--parameter", "x"], 'error: "x" is not name=value\n'],
    [["create", "dev.main"], /"dev.main" names an agent/],
    [["ssh", "dev", "--network-info-interval", "5"], /"5" is not a duration: write 5s or 1m/],
    [
      ["ssh", "dev", "-R", "8080"],
      /^error: "8080" is no remote forwarding: write <port there>:<address>:<port>/,
    ],
    [
      ["ssh", "--stdio", "dev", "-R", "8080:localhost:80"],
      "error: --remote-forward does nothing with --stdio: give -R to ssh itself\n",
    ],
    [["tokens", "create", "--lifetime", "5x"], /--lifetime "5x" is not a duration/],
    [["login", "a:b:c"], /"a:b:c" is not a URL/],
    [["delete", "dev"], /error: there is no workspace "dev": see `berth list`/],
    [["templates", "push"], /holds no \.tf file: give the folder of a template by --directory/],
    [["templates", "push", "-d", "nowhere"], /nowhere cannot be read/],
    [["templates", "init"], "error: say which starter template: --id local\n"],
    [["create"], "error: say its name: berth create <workspace>\n"],
    [["tokens", "remove", "x"], 'error: there is no token "x" of yours: see `berth tokens list`\n'],
    [
      ["provisioner", "keys", "delete", "x", "--yes"],
      'error: there is no key "x": see `berth provisioner keys list`\n',
    ],
    [["templates", "delete"], "error: say which: berth templates delete <name>\n"],
  ])("%j is refused on stderr with what to do, and exit code 1", async (args, said) => {
    const { code, stdout, stderr } = await person.runHere(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    if (typeof said === "string") expect(stderr).toBe(said);
    else expect(stderr).toMatch(said);
  });

  test("without a terminal what would be asked is an error that names --yes", async () => {
    const workspace = { id: "w1", name: "dev", latest_build: { status: "running" } };
    plane.on("GET /api/v2/users/me/workspace/dev", () => [200, workspace]);
    expect(await person.runHere(["delete", "dev"])).toMatchObject({
      code: 1,
      stderr: "error: Delete dev? There is no terminal to ask at: give --yes\n",
    });
    expect(plane.asked.every(({ what }) => what.startsWith("GET"))).toBe(true);
  });

  test("a line of a log names its stage, and no more where it says nothing", async () => {
    const workspace = { id: "w1", name: "dev", latest_build: { id: "b1", resources: [] } };
    const line = { created_at: "2030-01-01T00:00:00Z", log_level: "info", stage: "Cleaning Up" };
    plane.on("GET /api/v2/users/me/workspace/dev", () => [200, workspace]);
    plane.on("GET /api/v2/workspacebuilds/b1/logs", () => [
      200,
      [
        { ...line, output: "" },
        { ...line, output: "done" },
      ],
    ]);
    expect((await person.runHere(["logs", "dev"])).stdout).toBe(
      "2030-01-01T00:00:00Z [info] Cleaning Up\n2030-01-01T00:00:00Z [info] Cleaning Up: done\n",
    );
  });

  test("a build that is not there is not taken for the latest", async () => {
    const workspace = { id: "w1", name: "dev", latest_build: { build_number: 2 } };
    plane.on("GET /api/v2/users/me/workspace/dev", () => [200, workspace]);
    plane.on("GET /api/v2/workspaces/w1/builds", () => [200, [{ build_number: 1 }, { build_number: 2 }]]);
    const { code, stderr } = await person.runHere(["logs", "dev", "-n", "9"]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'error: dev has no build "9": its latest is 2\n' });
  });
});

describe("the log-in", () => {
  beforeEach(() => void plane.on("GET /api/v2/users/first", () => [200, { message: "" }]));

  test("a token that is piped in becomes a session of its own; logging out forgets it even where nobody hears", async () => {
    plane.on("POST /api/v2/users/me/keys", () => [201, { key: "its-own" }]);
    plane.on("GET /api/v2/users/me", () => [200, { username: "ann" }]);
    const env = { CODER_URL: undefined, CODER_SESSION_TOKEN: undefined };
    expect((await person.run(["login", plane.url], { env })).stderr).toMatch(/^error: no token was given/);
    expect(await person.run(["login", plane.url], { stdin: "piped\n", env })).toMatchObject({ code: 0 });
    expect((await person.run(["login", "token"], { env })).stdout).toBe("its-own\n");
    plane.on("POST /api/v2/users/logout", () => [500, { message: "Away." }]);
    expect(await person.run(["logout", "--yes"], { env })).toMatchObject({
      code: 1,
      stderr: "error: forgotten here, but not ended there: Away.\n",
    });
    expect((await person.run(["login", "token"], { env })).stderr).toContain("you are not logged in");
  });

  test("an expired token says how to go on", async () => {
    plane.on("GET /api/v2/users/me", () => [401, { message: "Log in.", detail: "API key expired" }]);
    expect((await person.runHere(["whoami"])).stderr).toBe(
      "error: Log in.\n  API key expired\n  Log in again: `berth login`\n",
    );
  });

  test("each field that is wrong is named", async () => {
    plane.on("POST /api/v2/users/first", () => [201, {}]);
    plane.on("GET /api/v2/users/first", () => [404, { message: "" }]);
    plane.on("POST /api/v2/users/first", () => [
      400,
      { message: "Not so.", validations: [{ field: "email", detail: "An e-mail address." }] },
    ]);
    const given = ["--first-user-username", "ann", "--first-user-email", "x", "--first-user-password", "y"];
    expect(await person.runHere(["login", plane.url, ...given])).toMatchObject({
      code: 1,
      stderr: "error: Not so.\n  email: An e-mail address.\n",
    });
  });
});

describe("the program itself", () => {
  test("version prints nothing on stderr; --version is understood", async () => {
    const [text, json, flag] = await Promise.all([
      person.run(["version"]),
      person.run(["version", "--output", "json"]),
      person.run(["--version"]),
    ]);
    expect([text, flag]).toEqual(Array(2).fill({ code: 0, stdout: `Coder ${version}\n`, stderr: "" }));
    expect(JSON.parse(json.stdout)).toMatchObject({ version, external_url: plane.url });
    expect(json.stderr).toBe("");
  });

  test("help is a result where it was asked for", async () => {
    const { code, stdout, stderr } = await person.run(["ssh", "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/Usage: berth ssh[^]*Global Options:[^]*--url/);
  });

  /** Each shell calls what the script has given it, and prints what it would offer. */
  const shells = {
    bash: `COMP_WORDS=(berth "$@"); COMP_CWORD=$#; _berth; printf '%s\\n' "\${COMPREPLY[@]}"`,
    zsh: `compadd() { shift; print -l -- "$@"; }; words=(berth "$@"); CURRENT=$#words; _berth`,
    fish: `complete -C (string join -- ' ' berth $argv)`,
  } as const;
  const installed = (shell: string) => spawnSync(shell, ["-c", "true"]).status === 0;

  test.each(["bash", "zsh", "fish"] as const)(
    "%s, where it is installed, completes by its script: names, flags and their values are stepped over",
    async (shell) => {
      const { stdout: script } = await person.runHere(["completion", "--shell", shell]);
      if (!installed(shell)) return expect(script).toContain("templates");
      const file = join(person.folder, "completion");
      const load = shell === "zsh" ? `compdef() { : }\nsource ${file}` : `source ${file}`;
      await writeFile(file, script);
      const complete = (...words: string[]) => {
        const more = [shell === "fish" ? "--" : shell, ...words]; // the others take a name first
        const typed = words.at(-1) ?? "";
        const lines = execFileSync(shell, ["-c", `${load}\n${shells[shell]}`, ...more])
          .toString()
          .split("\n");
        return lines.filter((line) => line !== "" && line.startsWith(typed)).sort();
      };
      expect(complete("templ")).toEqual(["templates"]);
      expect(complete("ag")).toEqual(["agent"]);
      expect(complete("templates", "pu")).toEqual(["push"]);
      expect(complete("provisioner", "st")).toEqual(["start"]);
      expect(complete("ssh", "dev", "--std")).toEqual(["--stdio"]);
      expect(complete("rm", "--y")).toEqual(["--yes"]);
      expect(complete("--url", "http://x", "create", "--parameter-")).toEqual(["--parameter-default"]);
    },
  );
});

test("a password that was made up is the result, and is said to be shown once", async () => {
  plane.on("GET /api/v2/organizations", () => [200, [{ id: "o1", is_default: true }]]);
  plane.on("POST /api/v2/users", () => [201, {}]);
  const create = (...flags: string[]) =>
    person.runHere(["users", "create", "-u", "bob", "-e", "bob@example.com", ...flags]);
  const { stdout, stderr } = await create();
  expect(stderr).toBe("Created bob. The password, shown this once:\n");
  expect(plane.asked.at(-1)?.body).toContain(`"password":"${stdout.trim()}"`);
  expect(await create("-p", "correct-horse")).toMatchObject({ stdout: "", stderr: "Created bob\n" });
});

test("init writes a template into an empty folder only, and says how to push it", async () => {
  const { code, stderr } = await person.run(["templates", "init", "--id", "local", "mine"]);
  expect(code).toBe(0);
  expect(stderr).toContain("berth templates push mine --directory");
  await mkdir(join(person.folder, "full"));
  await writeFile(join(person.folder, "full", "x"), "");
  expect(
    await person.runHere(["templates", "init", "--id", "local", join(person.folder, "full")]),
  ).toMatchObject({ code: 1 });
});
