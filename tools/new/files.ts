import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Writes a new file. @throws when it is there already: a generator never overwrites. */
export function writeNew(file: string, text: string): void {
  if (existsSync(file)) throw new Error(`${file} is there already`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  process.stdout.write(`new     ${file}\n`);
}

/** Changes a file. @throws when the place to change is not found. */
export function edit(file: string, change: (text: string) => string): void {
  const text = readFileSync(file, "utf8");
  const changed = change(text);
  if (changed === text) throw new Error(`${file}: found no place to change`);
  writeFileSync(file, changed);
  process.stdout.write(`changed ${file}\n`);
}

/** Runs a program to its end. @throws when it fails. */
export function run(program: string, args: readonly string[], cwd = "."): void {
  const { status } = spawnSync(program, args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${status ?? "by a signal"}`);
}

/** The folder of a service that exists. @throws naming it when it does not. */
export function folderOfService(name: string): string {
  const folder = `apps/${name}`;
  if (!existsSync(`${folder}/src/index.ts`)) throw new Error(`there is no service in ${folder}`);
  return folder;
}
