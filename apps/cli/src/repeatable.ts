import { CodedError } from "@berth/std";
import { Option } from "commander";

/** `name=value`. */
export interface Pair {
  readonly name: string;
  readonly value: string;
}

/** An option that may be given several times. */
export function textsOption(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`)
    .argParser((text: string, former: readonly string[]) => [...former, text])
    .default([], "none");
}

/** The same for `name=value`: its value is `Pair[]`. */
export function pairsOption(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`)
    .argParser((text: string, former: readonly Pair[]) => [...former, readPair(text)])
    .default([], "none");
}

/** @throws CodedError invalid_argument when it is no name=value. */
export function readPair(text: string): Pair {
  const at = text.indexOf("=");
  if (at <= 0) throw new CodedError("invalid_argument", `"${text}" is not name=value`);
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}
