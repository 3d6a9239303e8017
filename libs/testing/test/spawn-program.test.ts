import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { eventually, spawnProgram } from "@berth/testing";

const node = (code: string, env = {}) => spawnProgram([process.execPath, "-e", code], { env });

test("lines of both streams are kept, and one can be waited for", async () => {
  await using program = node(`console.log("one"); console.error("two"); setInterval(() => {}, 1000)`);
  expect(await program.waitFor("one")).toBe("one");
  expect(await program.waitFor(/^t.o$/)).toBe("two");
});

test("a program that ends without the line says what it did say", async () => {
  await using program = node(`console.log("something else"); process.exitCode = 3`);
  await expect(program.waitFor("a line")).rejects.toThrow(/ended with code 3\nsomething else/);
  expect(await program.exit).toEqual({ code: 3, signal: null });
});

test("at the end its children are gone as well", async () => {
  const program = node(
    `const child = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
     console.log("child", child.pid)`,
  );
  const child = Number((await program.waitFor("child ")).split(" ")[1]);
  await program[Symbol.asyncDispose]();
  await eventually(async () => {
    const text = await readFile(`/proc/${child}/stat`, "utf8").catch(() => "(gone) Z");
    expect(text[text.lastIndexOf(")") + 2]).toBe("Z"); // ended, whether or not its new parent has noticed
  });
});

test("a program that cannot be started rejects", async () => {
  await using program = spawnProgram(["/nowhere/at/all"]);
  await expect(program.exit).rejects.toThrow("ENOENT");
});
