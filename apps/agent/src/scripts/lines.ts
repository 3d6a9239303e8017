import { StringDecoder } from "node:string_decoder";

/** A longer line is cut: some programs never end theirs. */
const MAX_LINE = 16 * 1024;

/** Cuts bytes into lines without their ends. A character that two chunks share stays whole. */
export class Lines {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  /** The lines that are complete with this chunk. */
  add(chunk: Buffer): string[] {
    return this.#cut(this.#rest + this.#decoder.write(chunk));
  }

  /** What is left without an end. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = "";
    return rest === "" ? [] : [rest];
  }

  #cut(text: string): string[] {
    const lines = text.split(/\r?\n/);
    this.#rest = lines.pop() ?? "";
    const whole = lines.flatMap(cutLong);
    while (this.#rest.length > MAX_LINE) {
      whole.push(this.#rest.slice(0, MAX_LINE));
      this.#rest = this.#rest.slice(MAX_LINE);
    }
    return whole;
  }
}

function cutLong(line: string): string[] {
  const count = Math.max(1, Math.ceil(line.length / MAX_LINE));
  return Array.from({ length: count }, (_, at) => line.slice(at * MAX_LINE, (at + 1) * MAX_LINE));
}
