import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Scope } from "@berth/std";
import { build } from "esbuild";
import { afterEach, beforeEach, expect, test } from "vitest";
import { spawnProgram } from "./spawn.ts";

let scope: Scope;
beforeEach(() => void (scope = new Scope()));
afterEach(() => scope.close());

const start = (what: string, env: Record<string, string> = {}, args: string[] = []) =>
  spawnProgram(scope, "program.ts", [what, ...args], env);

test("main's number is the exit code", async () => {
  expect((await start("ok").ended).code).toBe(3);
});

test("a fault is one line on stderr and exit code 1", async () => {
  const child = start("fault");
  expect((await child.ended).code).toBe(1);
  expect(child.stderr()).toBe("berth: there is no workspace dev: berth list\n");
});

test("a bug is told whole", async () => {
  const child = start("bug");
  expect((await child.ended).code).toBe(1);
  expect(child.stderr()).toMatch(/TypeError: x is not a function\n +at .*program\.ts/);
});

test("the first signal is told, the second ends it on the spot with 130", async () => {
  const gentle = start("signal");
  await gentle.event(/waiting/);
  gentle.signal("SIGTERM");
  expect((await gentle.ended).code).toBe(0);
  expect(gentle.events).toEqual(["waiting", "told SIGTERM"]);
  const stubborn = start("stubborn");
  await stubborn.event(/waiting/);
  stubborn.signal("SIGINT");
  await stubborn.event(/told/);
  stubborn.signal("SIGINT");
  expect((await stubborn.ended).code).toBe(130);
});

test("Ctrl-C belongs to the question that is open, and afterwards to the program again", async () => {
  const child = start("interrupt");
  await child.event(/^waiting$/);
  child.signal("SIGINT");
  await child.event(/waiting again/);
  child.signal("SIGINT");
  expect((await child.ended).code).toBe(0);
  expect(child.events).toEqual(["waiting", "cancel the build?", "waiting again", "told"]);
});

test("a reader that has seen enough ends it quietly", () => {
  const program = join(import.meta.dirname, "program.ts");
  const output = execFileSync("/bin/sh", ["-c", `"$NODE" "${program}" pipe 2>&1 | head -n 2; echo end`], {
    env: { PATH: process.env["PATH"], NODE: process.execPath },
    encoding: "utf8",
  });
  expect(output).toBe("line\nline\nend\n");
});

test("a program hears every signal and decides; its scope closes before the end", async () => {
  const child = start("program", { CODER_TEST_BUILDS: "4" });
  await child.event(/ready/);
  child.signal("SIGHUP");
  await child.event(/heard SIGHUP/);
  child.signal("SIGTERM");
  expect((await child.ended).code).toBe(4);
  expect(child.events).toEqual(["ready", "heard SIGHUP", "heard SIGTERM", "cache closed"]);
  expect(JSON.parse(child.stderr().split("\n")[0] ?? "")).toMatchObject({ msg: "daemon ready" });
  const forced = start("program");
  await forced.event(/ready/);
  forced.signal("SIGINT");
  await forced.event(/heard SIGINT/);
  forced.signal("SIGINT");
  expect((await forced.ended).code).toBe(9);
});

test("a program's configuration is checked as a service's is, and --help lists it", async () => {
  const wrong = start("program", { CODER_TEST_BUILDS: "many", CODER_LOGGING_JSON: "/dev/null" });
  expect((await wrong.ended).code).toBe(78);
  expect(wrong.stderr()).toContain('  CODER_TEST_BUILDS is "many": expected a whole number such as 3');
  const help = start("program", {}, ["--help"]);
  expect((await help.ended).code).toBe(0);
  expect(help.events.join("\n")).toContain("--test-builds <count> ($CODER_TEST_BUILDS, default 1)");
});

test("from source, the program starts itself by the one entry of the repository", async () => {
  const child = start("self");
  const [node, file, ...args] = JSON.parse(await child.event(/^\[/)) as string[];
  expect(node).toBe(process.execPath);
  expect(file).toMatch(/\/apps\/berth\/src\/main\.ts$/);
  expect(existsSync(join(file ?? "", "../.."))).toBe(true);
  expect(args).toEqual(["agent", "--detach"]);
});

test("bundled to one CommonJS file, it starts that file", async () => {
  const source = join(import.meta.dirname, "program.ts");
  const outfile = join(scopeFolder(), "berth.cjs");
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "silent",
  });
  const answer = execFileSync(process.execPath, [outfile, "self"], { encoding: "utf8" });
  expect(JSON.parse(answer)).toEqual([process.execPath, outfile, "agent", "--detach"]);
});

function scopeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "berth-bundle-"));
  scope.add("folder", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
