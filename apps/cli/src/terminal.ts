import { confirm, input, password, select } from "@inquirer/prompts";
import { environment } from "@berth/config";
import { CodedError } from "@berth/std";
import { ExitCode } from "./exit-code.ts";

/**
 * The person at the other end, if there is one. Results go to stdout, everything else to stderr, so that output can be
 * piped; questions are asked only where both ends are a terminal. Ctrl-C at a question is an ExitCode of 1.
 */
export interface Terminal {
  readonly asksPeople: boolean;
  readonly isTerminal: boolean;
  readonly hasColour: boolean;
  /** How wide a line may be. */
  readonly columns: number;
  /** A question is on the screen: whatever else is written now would spoil it. */
  readonly isAsking: boolean;
  /** Prints a result. */
  print(text: string): void;
  /** Says something beside the result. */
  say(text: string): void;
  /** Writes to stderr as it is. */
  write(text: string): void;
  ask(question: string, fallback?: string): Promise<string>;
  askSecret(question: string): Promise<string>;
  /** A secret that is about to be set: asked twice, until both are the same. */
  askNewSecret(question: string): Promise<string>;
  askYesNo(question: string, fallback: boolean): Promise<boolean>;
  choose(question: string, choices: readonly Choice[], fallback?: string): Promise<string>;
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
  const open = { questions: 0 };
  const ask = async <T>(question: string, put: () => Promise<T>): Promise<T> => {
    if (!asksPeople)
      throw new CodedError(
        "failed_precondition",
        `"${question}" needs an answer and there is no terminal to ask at`,
      );
    open.questions += 1;
    try {
      return await put();
    } catch (error) {
      if (error instanceof Error && error.name === "ExitPromptError") throw new ExitCode(1); // Ctrl-C
      throw error;
    } finally {
      open.questions -= 1;
    }
  };
  const terminal: Terminal = {
    asksPeople,
    isTerminal,
    hasColour: isTerminal && (environment()["NO_COLOR"] ?? "") === "",
    get columns() {
      return process.stderr.columns || 80;
    },
    get isAsking() {
      return open.questions > 0;
    },
    print: (text) => void process.stdout.write(`${text}\n`),
    say: (text) => void process.stderr.write(`${text}\n`),
    write: (text) => void process.stderr.write(text),
    ask: (question, fallback) =>
      ask(question, () =>
        input(
          { message: question, required: true, ...(fallback === undefined ? {} : { default: fallback }) },
          people,
        ),
      ),
    askSecret: (question) => ask(question, () => password({ message: question, mask: "*" }, people)),
    async askNewSecret(question) {
      while (true) {
        const secret = await terminal.askSecret(question);
        if ((await terminal.askSecret(`${question} again`)) === secret) return secret;
        terminal.say("They differ: type both once more.");
      }
    },
    askYesNo: (question, fallback) =>
      ask(question, () => confirm({ message: question, default: fallback }, people)),
    choose: (question, choices, fallback) =>
      ask(question, () =>
        select(
          { message: question, choices, ...(fallback === undefined ? {} : { default: fallback }) },
          people,
        ),
      ),
    async readPipe() {
      const chunks = await Array.fromAsync(process.stdin as AsyncIterable<Buffer>);
      return Buffer.concat(chunks).toString("utf8").trim();
    },
  };
  return terminal;
}
