import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { provisioner } from "@berth/contract";
import { readIfThere } from "./files.ts";

/** What was numbered, and what of Terraform's output is in it. */
export interface JournalEntry {
  readonly line?: unknown;
  /** Everything up to this line is committed. */
  readonly committed?: string;
  /** The apply's output is numbered up to here. */
  readonly readTo?: number;
}

/** The log lines of a job on disk, so that those nobody acknowledged outlive the daemon. */
export class Journal implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #onFault: (error: unknown) => void;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, onFault: (error: unknown) => void) {
    this.#file = file;
    this.#onFault = onFault;
  }

  /** Opens the journal of a job. A line that cannot be noted (a full disk) is only told to `onFault`: the build goes on. */
  static async open(folder: string, onFault: (error: unknown) => void): Promise<Journal> {
    return new Journal(await open(pathIn(folder), "a", 0o600), onFault);
  }

  /** Resolves when everything noted so far is on disk, or cannot be. */
  get written(): Promise<void> {
    return this.#writing;
  }

  /** Notes lines that were numbered. */
  numbered(lines: readonly provisioner.LogLine[], readTo?: number): void {
    const entries: JournalEntry[] = lines.map((line) => ({ line: provisioner.LogLine.toJSON(line) }));
    this.#write([...entries, ...(readTo === undefined ? [] : [{ readTo }])]);
  }

  /** Notes that everything up to this line is committed. */
  committed(sequence: bigint): void {
    this.#write([{ committed: String(sequence) }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  #write(entries: readonly JournalEntry[]): void {
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
    this.#writing = this.#writing
      .then(async () => {
        await this.#file.appendFile(text);
      })
      .catch(this.#onFault);
  }
}

/** What a journal says to a later incarnation. */
export interface ReadJournal {
  readonly unacknowledged: readonly provisioner.LogLine[];
  readonly lastSequence: bigint;
  readonly readTo: number;
}

/** Reads the journal of a job; a torn last line was never numbered for anybody. */
export async function readJournal(folder: string): Promise<ReadJournal> {
  const entries = ((await readIfThere(pathIn(folder))) ?? "").split("\n").flatMap(parseEntry);
  const lines = entries.flatMap(({ line }) =>
    line === undefined ? [] : [provisioner.LogLine.fromJSON(line)],
  );
  const committed = entries.reduce((last, entry) => BigInt(entry.committed ?? last), 0n);
  return {
    unacknowledged: lines.filter(({ sequence }) => sequence > committed),
    lastSequence: lines.at(-1)?.sequence ?? 0n,
    readTo: entries.reduce((last, entry) => entry.readTo ?? last, 0),
  };
}

function parseEntry(text: string): JournalEntry[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? [parsed] : [];
  } catch {
    return []; // torn by the end of the writer
  }
}

function pathIn(folder: string): string {
  return join(folder, "journal.jsonl");
}
