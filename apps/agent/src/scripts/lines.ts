import { StringDecoder } from "node:string_decoder";

/** A longer line is cut: some programs never end theirs. */
const MAX_LINE = 16 * 1024;
const LONGEST = new RegExp(`.{1,${MAX_LINE}}`, "gsu");

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
    const begun = cutLong(lines.pop() ?? "");
    this.#rest = begun.pop() ?? "";
    return [...lines.flatMap(cutLong), ...begun];
  }
}

/** Parts of whole characters. */
function cutLong(line: string): string[] {
  return line.length <= MAX_LINE ? [line] : (line.match(LONGEST) ?? []);
}
