import type { Readable } from "node:stream";

/** Reads a stream as text and lets a test wait for what it expects to see. */
export class TextStream {
  #text = "";
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(stream: Readable) {
    stream.on("data", (chunk: Buffer) => {
      this.#text += chunk.toString();
      this.#wake?.();
    });
    stream.on("close", () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  get text(): string {
    return this.#text;
  }

  /** The first match, as soon as it is there. @throws when the stream ends before. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    while (true) {
      const match = pattern.exec(this.#text);
      if (match !== null) return match;
      if (this.#ended)
        throw new Error(`the stream ended without ${String(pattern)}:\n${this.#text.slice(-2000)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
