import { type Command, Option } from "commander";
import { type Pair, pairsOption } from "../repeatable.ts";
import { readParameterFile } from "./parameter-file.ts";

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
  const pairs = [...(file === undefined ? [] : await readParameterFile(file)), ...parameter];
  const values = new Map(pairs.map(({ name, value }) => [name, value]));
  return [...values].map(([name, value]) => ({ name, value }));
}
