/** The option tables that READMEs must hold, made from what each app's config.ts declares. */
import { globSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { readmeTable, type Section } from "@berth/config";

export interface OptionTable {
  readonly file: string;
  readonly table: string;
}

const isSection = (value: unknown): value is Section<unknown> =>
  typeof value === "object" && value !== null && "fields" in value;

/** One table per app that has a config.ts: every section it exports, in order. */
export async function optionTables(): Promise<OptionTable[]> {
  return Promise.all(
    globSync("apps/*/src/config.ts").map(async (file) => {
      const exported = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
      const fields = Object.values(exported)
        .filter(isSection)
        .map((section) => section.fields);
      const merged = {
        fields: Object.fromEntries(fields.flatMap((each) => Object.entries(each))),
      } as Section<unknown>;
      return { file: join(dirname(dirname(file)), "README.md"), table: readmeTable(merged) };
    }),
  );
}
