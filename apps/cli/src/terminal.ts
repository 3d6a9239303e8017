import { confirm, input, password, select } from "@inquirer/prompts";
import { CodedError } from "@berth/std";

/**
 * The person at the other end, if there is one. Results go to stdout, everything else to stderr, so that output can be
 * piped; questions are asked only where both ends are a terminal.
 */
export interface Terminal {
  readonly asksPeople: boolean;
  readonly isTerminal: boolean;
  /** Prints a result. */
  print(text: string): void;
  /** Says something beside the result. */
  say(text: string): void;
  /** Writes to stderr as it is. */
  write(text: string): void;
  ask(question: string, fallback?: string): Promise<string>;
  askSecret(question: string): Promise<string>;
  askYesNo(question: string, fallback: boolean): Promise<boolean>;
  choose(question: string, choices: readonly Choice[]): Promise<string>;
  /** Everything that is piped in, without white space around it. */
  readPipe(): Promise<string>;
}

export interface Choice {
  readonly name: string;
  readonly value: string;
  readonly description?: string;
}

/** The terminal of this process. `force` is --force-tty. */
export function openTerminal(force = false): Terminal {
  const isTerminal = force || process.stderr.isTTY;
  const asksPeople = force || (process.stdin.isTTY && process.stderr.isTTY);
  const people = { input: process.stdin, output: process.stderr };
  const demand = (question: string) => {
    if (!asksPeople)
      throw new CodedError(
        "failed_precondition",
        `"${question}" needs an answer and there is no terminal to ask at`,
      );
  };
  return {
    asksPeople,
    isTerminal,
    print: (text) => void process.stdout.write(`${text}\n`),
    say: (text) => void process.stderr.write(`${text}\n`),
    write: (text) => void process.stderr.write(text),
    async ask(question, fallback) {
      demand(question);
      return input(
        { message: question, required: true, ...(fallback === undefined ? {} : { default: fallback }) },
        people,
      );
    },
    async askSecret(question) {
      demand(question);
      return password({ message: question, mask: "*" }, people);
    },
    async askYesNo(question, fallback) {
      demand(question);
      return confirm({ message: question, default: fallback }, people);
    },
    async choose(question, choices) {
      demand(question);
      return select({ message: question, choices }, people);
    },
    async readPipe() {
      const chunks = await Array.fromAsync(process.stdin as AsyncIterable<Buffer>);
      return Buffer.concat(chunks).toString("utf8").trim();
    },
  };
}
