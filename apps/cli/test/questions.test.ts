import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { WebSocketConnection } from "@berth/rpc";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CTRL_C, ENTER, Person, UP } from "./person.ts";
import { SmallPlane } from "./small-plane.ts";

let plane: SmallPlane;
let person: Person;
beforeEach(async () => void (plane = await SmallPlane.start()));
afterEach(async () => {
  await person[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

describe("login on a terminal", () => {
  const me = { username: "ann", email: "ann@example.com" };
  beforeEach(async () => {
    person = await Person.arrive();
    plane.on("GET /api/v2/users/me", () => [200, me]);
  });

  test("the first user is asked for, the password twice until both are the same; the session is the owner's alone", async () => {
    plane.on("POST /api/v2/users/first", () => [201, { user_id: "1", organization_id: "1" }]);
    plane.on("POST /api/v2/users/login", () => [201, { session_token: "fresh-token" }]);
    using login = person.type("login", plane.url);
    await login.sees("no user yet");
    for (const [question, answer] of [
      ["Username", "ann"],
      ["E-mail", "ann@example.com"],
      ["Password", "correct horse"],
      ["Password again", "incorrect horse"],
      ["They differ", ""],
      ["Password", "correct horse"],
      ["Password again", "correct horse"],
    ] as const) {
      await login.sees(question);
      if (answer !== "") login.press(`${answer}${ENTER}`);
    }
    await login.sees("as ann");
    expect(await login.ended).toBe(0);
    expect(login.text).not.toContain("horse");
    const made = plane.asked.find(({ what }) => what === "POST /api/v2/users/first");
    expect(JSON.parse(made?.body ?? "")).toEqual({ ...me, password: "correct horse" });
    expect(await readFile(join(person.configFolder, "session"), "utf8")).toBe("fresh-token");
    for (const file of ["url", "session"])
      expect((await stat(join(person.configFolder, file))).mode & 0o777).toBe(0o600);
    expect((await stat(person.configFolder)).mode & 0o777).toBe(0o700);
    expect((await readdir(person.configFolder)).sort()).toEqual(["session", "url"]);
  });

  test("a wrong password is said so, and nothing is saved", async () => {
    plane.on("GET /api/v2/users/first", () => [200, { message: "there is one" }]);
    plane.on("POST /api/v2/users/login", () => [401, { message: "no" }]);
    using login = person.type("login", plane.url);
    await login.sees("E-mail");
    login.press(`ann@example.com${ENTER}`);
    await login.sees("Password");
    login.press(`wrong${ENTER}`);
    await login.sees("error: the e-mail or the password is wrong");
    expect(await login.ended).toBe(1);
    await expect(readdir(person.configFolder)).rejects.toThrow("ENOENT");
  });

  test("Ctrl-C at a question ends the command, with nothing more to say", async () => {
    using login = person.type("login", plane.url);
    await login.sees("Username");
    login.press(CTRL_C);
    expect(await login.ended).toBe(1);
    expect(login.text).not.toMatch(/error|SIGINT|at /);
  });
});

const template = { id: "t1", name: "go", display_name: "", description: "", active_version_id: "v1" };
const build = { id: "b1", build_number: 1, workspace_name: "dev", job: { status: "running" } };
const parameter = {
  name: "colour",
  display_name: "",
  description_plaintext: "",
  options: [],
  default_value: "",
  required: false,
};

describe("create on a terminal", () => {
  beforeEach(async () => {
    person = await Person.at(plane);
    plane.on("GET /api/v2/organizations/default/templates/go", () => [200, template]);
    plane.on("GET /api/v2/templateversions/v1/rich-parameters", () => [200, []]);
    plane.on("POST /api/v2/users/me/workspaces", () => [201, { name: "dev", latest_build: build }]);
  });

  test("each parameter is asked for by its name, and its default stands ready", async () => {
    plane.on("GET /api/v2/templateversions/v1/rich-parameters", () => [
      200,
      [
        { ...parameter, name: "size", required: true },
        {
          ...parameter,
          default_value: "blue",
          options: [
            { name: "Red", value: "red", description: "" },
            { name: "Blue", value: "blue", description: "" },
          ],
        },
      ],
    ]);
    using create = person.type("create", "dev", "-t", "go", "--no-wait");
    await create.sees("? size");
    create.press(`4${ENTER}`);
    await create.sees("? colour");
    await create.sees("❯ Blue");
    create.press(ENTER);
    await create.sees("Create dev from go?");
    create.press(ENTER);
    await create.sees("is being built: berth logs -f dev");
    expect(await create.ended).toBe(0);
    const asked = plane.asked.find(({ what }) => what === "POST /api/v2/users/me/workspaces");
    expect(JSON.parse(asked?.body ?? "")).toMatchObject({
      rich_parameter_values: [
        { name: "size", value: "4" },
        { name: "colour", value: "blue" },
      ],
    });
  });

  describe("Ctrl-C while it builds asks whether to cancel", () => {
    const cancelled = () => plane.wasAsked("PATCH /api/v2/workspacebuilds/b1/cancel");
    const say = (socket: WebSocketConnection, output: string) =>
      socket.send(
        JSON.stringify({
          id: 1,
          created_at: "2030-01-01T00:00:00Z",
          log_level: "info",
          stage: "Starting",
          output,
        }),
      );

    beforeEach(() => {
      const follower = Promise.withResolvers<WebSocketConnection>();
      const state = { status: "running" };
      plane.onStream("/api/v2/workspacebuilds/b1/logs", (socket) => {
        say(socket, "tick");
        follower.resolve(socket);
        if (state.status !== "running") socket.close(1000);
      });
      plane.on("PATCH /api/v2/workspacebuilds/b1/cancel", () => {
        state.status = "canceled";
        void follower.promise.then((socket) => socket.close(1000));
        return [200, { message: "" }];
      });
      plane.on("GET /api/v2/workspacebuilds/b1", () => [200, { ...build, job: { status: state.status } }]);
    });

    test("no: the build goes on, and the command ends at once", async () => {
      using create = person.type("create", "dev", "-t", "go", "--yes");
      await create.sees("tick");
      create.press(CTRL_C);
      await create.sees("Cancel the build?");
      create.press(ENTER);
      await create.sees("The build goes on: berth logs -f dev");
      expect(await create.ended).toBe(1);
      expect(cancelled()).toBe(false);
      expect(create.text).not.toContain("error");
    });

    test.each([
      ["yes", `y${ENTER}`],
      ["Ctrl-C again", CTRL_C],
    ])("%s: it is cancelled, and its end is shown", async (_, answer) => {
      using create = person.type("create", "dev", "-t", "go", "--yes");
      await create.sees("tick");
      create.press(CTRL_C);
      await create.sees("Cancel the build?");
      create.press(answer);
      await create.sees("Cancelling the build …");
      await create.sees("error: build 1 of dev canceled");
      expect(await create.ended).toBe(1);
      expect(cancelled()).toBe(true);
    });

    test("Ctrl-C while it is being cancelled leaves", async () => {
      plane.on("PATCH /api/v2/workspacebuilds/b1/cancel", () => [200, { message: "" }]);
      using create = person.type("create", "dev", "-t", "go", "--yes");
      await create.sees("tick");
      create.press(CTRL_C);
      await create.sees("Cancel the build?");
      create.press(CTRL_C);
      await create.sees("Cancelling the build …");
      create.press(CTRL_C);
      await create.sees("The build is being cancelled: berth logs -f dev");
      expect(await create.ended).toBe(1);
    });

    test("what cannot be cancelled any more is said", async () => {
      plane.on("PATCH /api/v2/workspacebuilds/b1/cancel", () => [400, { message: "It is over." }]);
      using create = person.type("create", "dev", "-t", "go", "--yes");
      await create.sees("tick");
      create.press(CTRL_C);
      await create.sees("Cancel the build?");
      create.press(CTRL_C);
      await create.sees("error: It is over.");
      expect(await create.ended).toBe(1);
    });
  });
});

describe("other commands", () => {
  beforeEach(async () => {
    person = await Person.at(plane);
    plane.on("GET /api/v2/users/me/workspace/dev", () => [
      200,
      { id: "w1", name: "dev", latest_build: { ...build, status: "running", resources: [] } },
    ]);
  });

  test("one Ctrl-C ends a log that is followed, as a signal does", async () => {
    plane.onStream("/api/v2/workspacebuilds/b1/logs", (socket) => {
      socket.send(
        JSON.stringify({
          id: 1,
          created_at: "2030-01-01T00:00:00Z",
          log_level: "info",
          stage: "Starting",
          output: "tick",
        }),
      );
    });
    using logs = person.type("logs", "-f", "dev");
    await logs.sees("Starting: tick");
    logs.press(CTRL_C);
    expect(await logs.ended).toBe(130);
  });

  test("Enter at the question of a delete deletes nothing", async () => {
    using remove = person.type("delete", "dev");
    await remove.sees("Delete dev?");
    remove.press(ENTER);
    expect(await remove.ended).toBe(0);
    expect(plane.asked.every(({ what }) => what.startsWith("GET"))).toBe(true);
  });

  test("config-ssh shows what would change and asks", async () => {
    plane.on("GET /api/v2/deployment/ssh", () => [
      200,
      { hostname_prefix: "coder.", hostname_suffix: "", ssh_config_options: {} },
    ]);
    const file = join(person.folder, "config");
    using declined = person.type("config-ssh", "--ssh-config-file", file);
    await declined.sees("+ Host coder.*");
    await declined.sees(`Change ${file}?`);
    declined.press(`n${ENTER}`);
    expect(await declined.ended).toBe(0);
    await expect(stat(file)).rejects.toThrow("ENOENT");
    using accepted = person.type("config-ssh", "--ssh-config-file", file);
    await accepted.sees(`Change ${file}?`);
    accepted.press(ENTER);
    expect(await accepted.ended).toBe(0);
    expect(await readFile(file, "utf8")).toContain("Host coder.*");
  });

  test("the template is chosen from a list", async () => {
    const second = { ...template, id: "t2", name: "rust", active_version_id: "v2" };
    plane.on("GET /api/v2/templates", () => [200, [template, second]]);
    plane.on("GET /api/v2/templateversions/v2/rich-parameters", () => [200, []]);
    plane.on("POST /api/v2/users/me/workspaces", () => [201, { name: "new-one", latest_build: build }]);
    using create = person.type("create", "--no-wait");
    await create.sees("Name of the workspace");
    create.press(`new-one${ENTER}`);
    await create.sees("❯ go");
    create.press(UP);
    await create.sees("❯ rust");
    create.press(ENTER);
    await create.sees("Create new-one from rust?");
    create.press(ENTER);
    expect(await create.ended).toBe(0);
    expect(plane.asked.at(-1)?.body).toContain('"template_id":"t2"');
  });
});
