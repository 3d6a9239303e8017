import { isSea } from "node:sea";
import { fileURLToPath } from "node:url";

const SOURCE = "/libs/runtime/src/self-command.ts";

/**
 * How this program starts itself with other arguments: from source (whichever service's main.ts it was started by), from
 * a bundle, or as a single executable.
 */
export function selfCommand(args: readonly string[]): string[] {
  if (isSea()) return [process.execPath, ...args];
  return [process.execPath, programFile(), ...args];
}

function programFile(): string {
  const here = import.meta.url as string | undefined; // a CommonJS bundle has none
  if (here?.endsWith(SOURCE) === true)
    return fileURLToPath(`${here.slice(0, -SOURCE.length)}/apps/berth/src/main.ts`);
  const [, bundle] = process.argv;
  if (bundle === undefined) throw new Error("starting this program again: its own file is not known");
  return bundle;
}
