import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** What a generator is about to write. Nothing is written before all of it is known to fit: none is left half-done. */
export class Changes {
  readonly #texts = new Map<string, { readonly text: string; readonly isNew: boolean }>();

  /** A new file. @throws when it is there already: a generator never overwrites. */
  add(file: string, text: string): void {
    if (existsSync(file)) throw new Error(`${file} is there already`);
    this.#texts.set(file, { text, isNew: true });
  }

  /** A change of a file. @throws when it, or the place to change, is not found. */
  edit(file: string, change: (text: string) => string): void {
    if (!existsSync(file)) throw new Error(`${file} is not there`);
    const text = readFileSync(file, "utf8");
    const changed = change(text);
    if (changed === text) throw new Error(`${file}: found no place to change`);
    this.#texts.set(file, { text: changed, isNew: false });
  }

  write(): void {
    for (const [file, { text, isNew }] of this.#texts) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      process.stdout.write(`${isNew ? "new    " : "changed"} ${file}\n`);
    }
  }
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
