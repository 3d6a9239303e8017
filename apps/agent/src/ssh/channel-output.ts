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
  readonly #gone: Promise<never>;
  #last: Promise<void> = Promise.resolve();

  constructor(channel: ServerChannel, gone: AbortSignal) {
    this.#channel = channel;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined); // heard by the writes that wait
    if (gone.aborted) reject(new ChannelGoneError("client has gone"));
    gone.addEventListener("abort", () => reject(new ChannelGoneError("client has gone")), { once: true });
    this.#gone = promise;
  }

  /** Resolves when there is room for more. */
  write(kind: "stdout" | "stderr", bytes: Buffer): Promise<void> {
    const written = this.#last.then(() => Promise.race([this.#write(kind, bytes), this.#gone]));
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
      target.write(bytes, (error) => {
        const pending = this.#channel as unknown as PendingWrites;
        pending._chunk = pending._chunkcb = pending._chunkErr = pending._chunkcbErr = undefined;
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
  }
}
