import { CodedError } from "@berth/std";

/** One wrong option, as an operator needs to read it. */
export interface Mistake {
  readonly variable: string;
  /** What was given; left out for secrets and for what is missing. */
  readonly value?: string;
  /** What is wrong, or what was expected. */
  readonly expected: string;
  /** What to do about it. */
  readonly mend: string;
}

/** The configuration cannot be used. It names every mistake at once; the process exits 78. */
export class ConfigError extends CodedError {
  override readonly name = "ConfigError";
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    super("invalid_argument", mistakes.map(sentence).join("\n"));
    this.mistakes = mistakes;
  }
}

/** A value is not of its field's kind; the message says why, where more can be said than what was expected. */
export class MismatchError extends Error {
  override readonly name = "MismatchError";
}

function sentence({ variable, value, expected, mend }: Mistake): string {
  const given = value === undefined ? "" : ` is ${JSON.stringify(value)}`;
  return `${variable}${given}: ${expected}. ${mend}`;
}
