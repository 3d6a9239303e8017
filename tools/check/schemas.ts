/**
 * One Postgres schema per service: no service's source or SQL names another's.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

/** Schema to the folder that creates its tables. */
const owners = new Map(
  globSync("{apps,libs}/*/migrations/*.sql").flatMap((file) => {
    const schema = /create table (?:if not exists )?(\w+)\./i.exec(readFileSync(file, "utf8"))?.[1];
    return schema === undefined ? [] : [[schema, dirname(dirname(file))] as const];
  }),
);

const files = globSync(["{apps,libs}/*/src/**/*.ts", "{apps,libs}/*/migrations/*.sql"]);
const mistakes = files.flatMap((file) => {
  const text = readFileSync(file, "utf8");
  return [...owners].flatMap(([schema, owner]) => {
    const named = new RegExp(
      `\\b(?:from|join|into|update|table|references|delete from)\\s+${schema}\\.\\w+`,
      "i",
    ).exec(text);
    return named !== null && !file.startsWith(`${owner}/`)
      ? [`${file}: "${named[0]}" belongs to ${owner}/`]
      : [];
  });
});
for (const mistake of mistakes) process.stderr.write(`${mistake}\n`);
if (mistakes.length > 0) process.exitCode = 1;
