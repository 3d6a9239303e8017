import { readdirSync, readFileSync } from "node:fs";

/** The schema that the migrations of a folder make tables in. */
export function schemaOf(folder: string): string {
  const [first = ""] = readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .sort();
  const schema = /create table (\w+)\./i.exec(readFileSync(`${folder}/${first}`, "utf8"))?.[1];
  if (schema === undefined) throw new Error(`${folder}/${first} makes no table: which schema is it?`);
  return schema;
}
