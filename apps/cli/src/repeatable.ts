import { CodedError } from "@berth/std";
import { Option } from "commander";

/** `name=value`. */
export interface Pair {
  readonly name: string;
  readonly value: string;
}

/** An option that may be given several times: its value is what was read of each. */
export function repeatableOption(
  flags: string,
  description: string,
  read: (text: string) => unknown,
): Option {
  return new Option(flags, `${description}; may be repeated`)
    .argParser((text: string, former: readonly unknown[]) => [...former, read(text)])
    .default([], "none");
}

/** For text as it stands: its value is `string[]`. */
export function textsOption(flags: string, description: string): Option {
  return repeatableOption(flags, description, (text) => text);
}

/** For `name=value`: its value is `Pair[]`. */
export function pairsOption(flags: string, description: string): Option {
  return repeatableOption(flags, description, readPair);
}

/** @throws CodedError invalid_argument when it is no name=value. */
export function readPair(text: string): Pair {
  const at = text.indexOf("=");
  if (at <= 0) throw new CodedError("invalid_argument", `"${text}" is not name=value`);
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}
