import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Names by which templates and scripts call this program. */
const NAMES = ["coder", "berth"] as const;

/** Makes this program callable in the workspace: one small script per name. */
export async function writeOwnCommands(folder: string, command: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const script = `#!/bin/sh\nexec ${command.map(quoted).join(" ")} "$@"\n`;
  await Promise.all(NAMES.map((name) => writeFile(join(folder, name), script, { mode: 0o755 })));
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
