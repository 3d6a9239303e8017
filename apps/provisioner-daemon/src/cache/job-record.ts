import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readIfThere, writeWhole } from "./files.ts";
import type { ProcessMark } from "./running-process.ts";

/** What a later incarnation must know of a job that this one did not finish. */
export interface JobRecord {
  readonly jobId: string;
  readonly epoch: string;
  readonly folder: string;
  /** An apply may have run: this is on disk before it begins. */
  readonly applyBegun: boolean;
  /** Addresses that the plan makes: one that is not in the state when Terraform has ended was in flight. */
  readonly creates: readonly string[];
  readonly stage: string;
  /** The Terraform that may run, and what it writes to. */
  readonly terraform?: {
    readonly mark: ProcessMark;
    readonly guard: ProcessMark;
    readonly command: string;
    readonly stdoutFile: string;
  };
}

/** The one record of a cache folder. */
export class RecordFile {
  readonly #path: string;

  constructor(cacheFolder: string) {
    this.#path = join(cacheFolder, "job.json");
  }

  /** The record that was left; undefined when there is none. */
  async read(): Promise<JobRecord | undefined> {
    const text = await readIfThere(this.#path);
    if (text === undefined) return undefined;
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? parsed : undefined;
  }

  write(record: JobRecord): Promise<void> {
    return writeWhole(this.#path, JSON.stringify(record));
  }

  remove(): Promise<void> {
    return rm(this.#path, { force: true });
  }
}

/** This program alone writes the file, and always whole. */
function isRecord(value: unknown): value is JobRecord {
  return (
    typeof value === "object" && value !== null && "jobId" in value && "folder" in value && "creates" in value
  );
}
