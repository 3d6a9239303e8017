import { local } from "./local.ts";

/** A template that `templates init` writes: its files by path. */
export interface StarterTemplate {
  readonly description: string;
  readonly files: Readonly<Record<string, string>>;
}

/** By id. */
export const starterTemplates: ReadonlyMap<string, StarterTemplate> = new Map([["local", local]]);
