/**
 * The docs are true: every project has a README of bounded length, relative links lead somewhere, and the option tables
 * of services are what their config declares (`--write` mends those).
 */
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { optionTables } from "./option-tables.ts";

const write = process.argv.includes("--write");
const mistakes: string[] = [];

/** README files and how long each may be, in lines. */
const bounds = [
  ...globSync("README.md").map((file) => ({ file, lines: 120 })),
  ...globSync("apps/*/package.json").map((file) => ({ file: join(dirname(file), "README.md"), lines: 60 })),
  ...globSync("libs/*/package.json").map((file) => ({ file: join(dirname(file), "README.md"), lines: 60 })),
];
for (const { file, lines } of bounds) {
  if (!existsSync(file)) mistakes.push(`${file}: missing`);
  else if (readFileSync(file, "utf8").split("\n").length - 1 > lines)
    mistakes.push(`${file}: over ${lines} lines`);
}

for (const file of globSync(["*.md", "{apps,libs,docs,deploy}/**/*.md"], { exclude: ["**/node_modules/**"] }))
  for (const [, link] of readFileSync(file, "utf8").matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g))
    if (link !== undefined && !/^[a-z]+:/.test(link) && !existsSync(join(dirname(file), link)))
      mistakes.push(`${file}: link to ${link} leads nowhere`);

const TABLE = /<!-- options -->\n[\s\S]*?<!-- \/options -->/;
for (const { file, table } of await optionTables()) {
  if (!existsSync(file)) continue;
  const text = readFileSync(file, "utf8");
  const wanted = `<!-- options -->\n\n${table}\n\n<!-- /options -->`; // as prettier has it
  if (text.includes(wanted)) continue;
  if (write && TABLE.test(text)) writeFileSync(file, text.replace(TABLE, wanted));
  else mistakes.push(`${file}: its option table is not what config.ts declares: npm run generate`);
}

for (const mistake of mistakes) process.stderr.write(`${mistake}\n`);
if (mistakes.length > 0) process.exitCode = 1;
