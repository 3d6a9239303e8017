import { type Command, Option } from "commander";
import { type Pair, pairsOption } from "../repeatable.ts";

/** Values that somebody has given, one by one or in a file. */
export interface GivenOptions {
  readonly parameter: readonly Pair[];
  readonly richParameterFile?: string;
}

/** Adds `--parameter` and `--rich-parameter-file`. */
export function addGivenOptions(command: Command, what: string): Command {
  return command
    .addOption(pairsOption("--parameter <name=value>", what).env("CODER_RICH_PARAMETER"))
    .addOption(
      new Option(
        "--rich-parameter-file <file>",
        "parameters in a YAML file of name: value; --parameter wins",
      ).env("CODER_RICH_PARAMETER_FILE"),
    );
}

/** Each name once: a flag wins over the file, the last flag over those before it. */
export async function readGiven({
  parameter = [],
  richParameterFile: file,
}: Partial<GivenOptions>): Promise<Pair[]> {
  const pairs = [...(file === undefined ? [] : await readFile(file)), ...parameter];
  const values = new Map(pairs.map(({ name, value }) => [name, value]));
  return [...values].map(([name, value]) => ({ name, value }));
}

/** YAML is loaded where a file is given: no other command waits for it. */
async function readFile(file: string): Promise<Pair[]> {
  const { readParameterFile } = await import("./parameter-file.ts");
  return readParameterFile(file);
}
