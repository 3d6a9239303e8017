import type { Readable } from "node:stream";
import type { ServerChannel } from "ssh2";

/** The client has gone: nothing more can be written. */
export class ChannelGoneError extends Error {
  override readonly name = "ChannelGoneError";
}

/** What ssh2 keeps of a write that waits for the client's window, per kind of output (1.17.0, its Channel.js). */
interface PendingWrites {
  _chunk: unknown;
  _chunkcb: unknown;
  _chunkErr: unknown;
  _chunkcbErr: unknown;
}

/**
 * Writes to a client, one chunk after another over both kinds of output. ssh2 forgets neither a chunk that has waited for the
 * client's window once it is written, nor continues one kind while the other waits: with both at work it repeats old output
 * or stops for ever. One write at a time, and what it remembers wiped out after each, keeps it right.
 */
export class ChannelOutput {
  readonly #channel: ServerChannel;
  #last: Promise<void> = Promise.resolve();
  #hasGone = false;
  /** Gives up the write that waits. A race with a promise that outlives it would keep something of every write. */
  #giveUp: ((why: ChannelGoneError) => void) | undefined;

  constructor(channel: ServerChannel, gone: AbortSignal) {
    this.#channel = channel;
    const leave = () => {
      gone.removeEventListener("abort", leave);
      this.#hasGone = true;
      this.#giveUp?.(new ChannelGoneError("client has gone"));
    };
    gone.addEventListener("abort", leave);
    channel.once("close", leave);
    if (gone.aborted) leave();
  }

  /** Resolves when there is room for more. */
  write(kind: "stdout" | "stderr", bytes: Buffer): Promise<void> {
    const written = this.#last.then(() => this.#write(kind, bytes));
    this.#last = written.catch(() => undefined); // each caller hears of its own
    return written;
  }

  /** Copies all of it; when the client goes, the source is destroyed, so that its process notices. */
  async copy(kind: "stdout" | "stderr", source: Readable): Promise<void> {
    for await (const chunk of source as AsyncIterable<Buffer>) await this.write(kind, chunk);
  }

  #write(kind: "stdout" | "stderr", bytes: Buffer): Promise<void> {
    const target = kind === "stdout" ? this.#channel : this.#channel.stderr;
    return new Promise((resolve, reject) => {
      if (this.#hasGone) return reject(new ChannelGoneError("client has gone"));
      this.#giveUp = reject;
      target.write(bytes, (error) => {
        const pending = this.#channel as unknown as PendingWrites;
        pending._chunk = pending._chunkcb = pending._chunkErr = pending._chunkcbErr = undefined;
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
  }
}
