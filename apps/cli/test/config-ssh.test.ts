import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, lstat, mkdir, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import ssh2 from "ssh2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeHostKey } from "./host-key.ts";
import { Person } from "./person.ts";
import { SmallPlane } from "./small-plane.ts";

const run = promisify(execFile);

let plane: SmallPlane;
let person: Person;
let file: string;
beforeEach(async () => {
  plane = await SmallPlane.start();
  plane.on("GET /api/v2/deployment/ssh", () => [
    200,
    { hostname_prefix: "coder.", hostname_suffix: "coder", ssh_config_options: {} },
  ]);
  person = await Person.at(plane);
  file = join(person.folder, "ssh", "config");
});
afterEach(async () => {
  await person[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

const configure = (...flags: string[]) => person.runHere(["config-ssh", "--ssh-config-file", file, ...flags]);
const ask = async (host: string) => (await run("ssh", ["-G", "-F", file, host])).stdout;
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe("the file", () => {
  test("is made for its owner alone, with nothing beside it; a second run changes nothing", async () => {
    expect(await configure("--yes")).toMatchObject({ code: 0, stdout: "" });
    expect(await modeOf(file)).toBe(0o600);
    expect(await modeOf(join(person.folder, "ssh"))).toBe(0o700);
    expect(await readdir(join(person.folder, "ssh"))).toEqual(["config"]);
    const written = await readFile(file, "utf8");
    expect(await configure("--yes")).toMatchObject({ code: 0, stderr: "No changes to make.\n" });
    expect(await readFile(file, "utf8")).toBe(written);
  });

  test("keeps its mode, what the user wrote, and that it is a link", async () => {
    const real = join(person.folder, "dotfiles-config");
    const own = "# mine\nHost other\n  Port 2222\n";
    await mkdir(join(person.folder, "ssh"));
    await writeFile(real, own);
    await chmod(real, 0o640);
    await symlink(real, file);
    await configure("--yes");
    expect((await lstat(file)).isSymbolicLink()).toBe(true);
    expect(await modeOf(real)).toBe(0o640);
    expect((await readFile(real, "utf8")).startsWith(own)).toBe(true);
    expect(await ask("other")).toMatch(/^port 2222$/m);
    expect(await ask("other")).not.toMatch(/^proxycommand/m);
  });

  test("a dry run prints the difference and changes nothing; without a terminal nothing is changed unasked", async () => {
    const { code, stdout, stderr } = await configure("--dry-run");
    expect(code).toBe(0);
    expect(stdout.split("\n").filter((line) => line !== "" && !/^[+-] ?/.test(line))).toEqual([]);
    expect(stdout).toContain("+ Host coder.*");
    expect(stderr).toContain("would change");
    expect(await configure()).toMatchObject({ code: 1 });
    await expect(stat(file)).rejects.toThrow("ENOENT");
  });

  test("broken markers are an error that changes nothing", async () => {
    await mkdir(join(person.folder, "ssh"));
    await writeFile(file, "# ------------START-CODER-----------\nHost x\n");
    const { code, stderr } = await configure("--yes");
    expect(code).toBe(1);
    expect(stderr).toContain("without its other half");
    expect(await readFile(file, "utf8")).toBe("# ------------START-CODER-----------\nHost x\n");
  });

  test("options are kept as comments that editors read, and used again when asked", async () => {
    const given = ["-o", "ForwardAgent=yes", "--wait", "no", "--disable-autostart", "--header", "X-Team=a b"];
    await configure("--yes", ...given);
    const written = await readFile(file, "utf8");
    expect(written.match(/^# :.*$/gm)).toEqual([
      "# :wait=no",
      "# :disable-autostart=true",
      "# :ssh-option=ForwardAgent=yes",
      "# :header=X-Team=a b",
    ]);
    expect(await ask("coder.dev")).toMatch(/^forwardagent yes$/m);
    expect(await ask("coder.dev")).toMatch(
      /^proxycommand .*--header 'X-Team=a b' ssh --stdio --wait no --disable-autostart/m,
    );
    await configure("--yes", "--use-previous-options");
    expect(await readFile(file, "utf8")).toBe(written);
  });
});

test("the example that is named at the end is a host of the section", async () => {
  expect((await configure("--yes")).stderr).toContain("Try: ssh coder.<workspace>\n");
  expect((await configure("--yes", "--ssh-host-prefix", "my.")).stderr).toContain(
    "Try: ssh my.<workspace>\n",
  );
  plane.on("GET /api/v2/deployment/ssh", () => [
    200,
    { hostname_prefix: "", hostname_suffix: "coder", ssh_config_options: {} },
  ]);
  expect((await configure("--yes")).stderr).toContain("Try: ssh <workspace>.coder\n");
  plane.on("GET /api/v2/workspaces", () => [200, { workspaces: [], count: 0 }]);
  expect((await configure("--yes", "--no-wildcard")).stderr).toBe(`Updated ${file}\n`);
});

test("without wildcards each workspace is a host of its own, and each agent where there are several; the next run knows", async () => {
  const workspace = (name: string, ...agents: string[]) => ({
    name,
    latest_build: { resources: [{ agents: agents.map((agent) => ({ name: agent })) }] },
  });
  const workspaces = [workspace("dev", "main"), workspace("web", "front", "back")];
  plane.on("GET /api/v2/workspaces", () => [200, { workspaces, count: workspaces.length }]);
  await configure("--yes", "--no-wildcard");
  const written = await readFile(file, "utf8");
  expect(written.match(/^# :.*$/gm)).toEqual(["# :no-wildcard=true"]);
  expect(written.match(/^Host .*$/gm)).toEqual([
    ...["Host coder.dev", "Host coder.web", "Host coder.web.front", "Host coder.web.back"],
    ...["Host dev.coder", "Host web.coder", "Host web.front.coder", "Host web.back.coder"],
  ]);
  expect(await ask("web.back.coder")).toMatch(/^proxycommand .* ssh --stdio --hostname-suffix coder %h$/m);
  expect(await ask("coder.other")).not.toMatch(/^proxycommand/m);
  workspaces.push(workspace("new"));
  await configure("--yes", "--use-previous-options");
  expect(await readFile(file, "utf8")).toContain("\nHost coder.new\n");
  await configure("--yes");
  expect((await readFile(file, "utf8")).match(/^Host .*$/gm)).toEqual(["Host coder.*", "Host *.coder"]);
});

describe("real ssh", () => {
  /** An ssh server that lets anybody in and answers what it is asked to run. */
  async function workspace(key: string) {
    const server = new ssh2.Server({ hostKeys: [key] }, (client) => {
      client.on("error", () => undefined); // a client that refuses the key
      client.on("authentication", (attempt) => attempt.accept());
      client.on("session", (accept) => {
        accept().on("exec", (ok, _reject, { command }) => {
          const channel = ok();
          channel.write(`${command}\n`);
          channel.exit(0);
          channel.end();
        });
      });
    });
    const listener = createServer((socket) => {
      server.injectSocket(socket);
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return {
      port: (listener.address() as AddressInfo).port,
      [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void listener.close(() => resolve())),
    };
  }

  /** Through our KnownHostsCommand, to a server that stands where the tunnel would lead. */
  const ssh = (host: string, port: number) => {
    const carry = `const s=require("net").connect(${port},"127.0.0.1");process.stdin.pipe(s);s.pipe(process.stdout)`;
    return run("ssh", ["-F", file, "-o", `ProxyCommand=${process.execPath} -e '${carry}'`, host, "hello"], {
      env: {
        ...process.env,
        CODER_URL: plane.url,
        CODER_SESSION_TOKEN: "a-token",
      },
    });
  };

  function knowsKey(publicKey: string) {
    const agent = { id: "a1", name: "main" };
    const resources = [{ agents: [agent] }];
    plane.on("GET /api/v2/users/me/workspace/dev", () => [
      200,
      { id: "w1", name: "dev", latest_build: { resources } },
    ]);
    plane.on("GET /api/v2/workspaceagents/a1/connection", () => [200, { ssh_host_key: publicKey }]);
  }

  test.each(["coder.dev", "dev.coder"])(
    "takes the key that the deployment knows for %s, and refuses any other",
    async (host) => {
      await person.run(["config-ssh", "--ssh-config-file", file, "--yes"]);
      const key = makeHostKey();
      knowsKey(key.public);
      await using right = await workspace(key.private);
      expect((await ssh(host, right.port)).stdout).toBe("hello\n");
      await using wrong = await workspace(makeHostKey().private);
      await expect(ssh(host, wrong.port)).rejects.toThrow("Host key verification failed");
    },
  );
});
