import { readdirSync } from "node:fs";
import { Changes, folderOfService } from "./files.ts";
import { namesOf } from "./names.ts";
import { schemaOf } from "./schema.ts";

/** Makes the next migration of a service. */
export function newMigration([service, title, kind = "expand"]: readonly string[]): void {
  const folder = `${folderOfService(namesOf("service", service).kebab)}/migrations`;
  const { kebab } = namesOf("migration", title);
  if (kind !== "expand" && kind !== "contract")
    throw new Error(`a migration is expand or contract, not "${kind}"`);
  const number = String(readdirSync(folder).filter((file) => file.endsWith(".sql")).length + 1).padStart(
    4,
    "0",
  );
  const schema = schemaOf(folder);
  const advice =
    kind === "expand"
      ? "The release before this one goes on running beside it: add, never change or remove."
      : "Ships at least one release after its expand: no running release may still read what goes.";
  const changes = new Changes();
  changes.add(
    `${folder}/${number}-${kebab}.${kind}.sql`,
    `-- ${advice}\n\ncomment on schema ${schema} is '${kebab.replaceAll("-", " ")}';\n`,
  );
  changes.write();
}
