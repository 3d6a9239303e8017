import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { version } from "@berth/std";
import { afterAll, expect, test } from "vitest";

const BIN = resolve(import.meta.dirname, "../bin/berth");
const folder = mkdtempSync(join(tmpdir(), "berth-bin-"));
afterAll(() => rmSync(folder, { recursive: true }));
const env = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: folder };

test.each(["berth", "coder"])("the program is found through a link called %s, on any PATH", (name) => {
  const link = join(folder, name);
  symlinkSync(BIN, link);
  const { status, stdout, stderr } = spawnSync(link, ["version", "--output", "json"], {
    env,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({ version });
});

test.each(["berth", "coder"])(
  "npx finds it: %s among npm's own links, which lead over a linked folder",
  (name) => {
    const link = resolve(import.meta.dirname, "../../../node_modules/.bin", name);
    const { status, stdout, stderr } = spawnSync(link, ["version"], { env, encoding: "utf8" });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `Coder ${version}\n`, stderr: "" });
  },
);

test("what it compiled is kept where its user alone writes", () => {
  const [home, temp] = ["home", "temp"].map((name) => mkdtempSync(join(folder, name)));
  spawnSync(BIN, ["version"], { env: { ...env, HOME: home, TMPDIR: temp } });
  expect(readdirSync(join(home ?? "", ".cache", "berth-node"))).not.toEqual([]);
  expect(readdirSync(temp ?? "")).toEqual([]);
});

test("global flags stand before and after the word", () => {
  for (const args of [
    ["--url", "http://127.0.0.1:1", "version", "-o", "json"],
    ["version", "-o", "json", "--url", "http://127.0.0.1:1"],
  ]) {
    const { stdout } = spawnSync(BIN, args, { env, encoding: "utf8" });
    expect(JSON.parse(stdout)).toMatchObject({ external_url: "http://127.0.0.1:1" });
  }
});

test("the program is the direct child of its caller: no shell and no second process stays between", async () => {
  const silent = createServer();
  const asked = once(silent, "connection");
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = silent.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const child = spawn(BIN, ["login", `http://127.0.0.1:${port}`, "--token", "x"], { env, stdio: "ignore" });
  await asked;
  const [program = "", file = ""] = readFileSync(`/proc/${child.pid ?? 0}/cmdline`, "utf8").split("\0");
  expect(program).toMatch(/node$/);
  expect(file).toMatch(/apps\/berth\/src\/main\.ts$/);
  child.kill("SIGKILL");
  silent.close();
});
