import type { ProcessGroups } from "./process-groups.ts";

/** What shells, scripts and file transfers of this workspace start with. The manifest may change it at any time. */
export interface Workplace {
  /** The user's login shell. */
  readonly shell: string;
  readonly home: string;
  /** Where they begin; exists. */
  folder(): string;
  environment(): Readonly<Record<string, string>>;
  /** Shown to whoever opens a shell. */
  motdFile(): string | undefined;
  readonly processes: ProcessGroups;
}
