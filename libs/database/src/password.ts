import { readFile } from "node:fs/promises";
import { messageOf } from "@berth/std";
import { wrong } from "./mistake.ts";

/**
 * A password that may change while we run. It is read when a connection is dialed, and not when the driver asks: a failure
 * there would be nobody's to catch.
 */
export class Password {
  readonly #read: () => Promise<string>;
  #value = "";

  private constructor(read: () => Promise<string>) {
    this.#read = read;
  }

  /** @throws ConfigError when there is white space at its ends: a newline there is never meant. */
  static fixed(password: string, variable: string): Password {
    const trimmed = assertTrimmed(password, variable);
    return new Password(() => Promise.resolve(trimmed));
  }

  /** The content of a file, or what `pick` finds in it. */
  static inFile(file: string, variable: string, pick = (content: string) => content): Password {
    return new Password(async () => {
      const content = await readFile(file, "utf8").catch((error: unknown) => {
        throw wrong(variable, `the file ${file} cannot be read (${messageOf(error)})`, "Make it readable");
      });
      return assertTrimmed(pick(assertTrimmed(content, variable)), variable);
    });
  }

  /** @throws ConfigError when it cannot be read, or has white space at its ends. */
  async refresh(): Promise<void> {
    this.#value = await this.#read();
  }

  /** As it was when last refreshed. */
  get value(): string {
    return this.#value;
  }
}

function assertTrimmed(password: string, variable: string): string {
  if (password === password.trim()) return password;
  throw wrong(
    variable,
    "the password has white space at its beginning or end (often a newline)",
    "Write it without, as `printf %s` does",
  );
}
