import { environment } from "@berth/config";
import { CodedError } from "@berth/std";
import { type Command, Option } from "commander";

const ON = /^(1|t|true)$/i;
const OFF = /^(0|f|false)?$/i;

/** An option without a value. Its variable may say false, too: then it is as if it were not set. */
export function switchOption(flags: string, variable: string, description: string): Option {
  const option = new Option(flags, description);
  const value = environment()[variable];
  if (value !== undefined && OFF.test(value)) return option;
  if (value !== undefined && !ON.test(value))
    throw new CodedError("invalid_argument", `${variable}="${value}" is neither true nor false`);
  return option.env(variable);
}

/** `--switch=true` and `--switch=false` as scripts and editors write them, in the words that the commands declare. */
export function readSwitches(program: Command, argv: readonly string[]): string[] {
  const names = new Set(switchesOf(program));
  const end = argv.indexOf("--");
  return argv.flatMap((arg, i) => {
    const [, name = "", value = ""] = /^(--[a-z-]+)=(.+)$/.exec(arg) ?? [];
    if (!names.has(name) || (end >= 0 && i > end)) return [arg];
    if (ON.test(value)) return [name];
    if (!OFF.test(value)) return [arg]; // no such option: said with the usual error
    const opposite = name.startsWith("--no-") ? name.replace("--no-", "--") : name.replace("--", "--no-");
    return names.has(opposite) ? [opposite] : [];
  });
}

function switchesOf(command: Command): string[] {
  return [
    ...command.options
      .filter((option) => option.isBoolean() || option.negate)
      .flatMap(({ long }) => long ?? []),
    ...command.commands.flatMap(switchesOf),
  ];
}
