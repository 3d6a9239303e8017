import { readdirSync, writeFileSync } from "node:fs";
import { type Names, namesOf } from "./names.ts";

/** Writes `handlers/index.ts` anew from the files beside it. */
export function writeHandlerIndex(folder: string, service: Names): void {
  const handlers = readdirSync(`${folder}/src/handlers`)
    .filter((file) => file.endsWith(".ts") && file !== "index.ts")
    .sort()
    .map((file) => namesOf("handler", file.replace(/\.ts$/, "")));
  const text = `import { ${service.camel} } from "@berth/contract";
import type { Handlers } from "@berth/rpc";
import type { ${service.pascal}Context } from "../context.ts";
${handlers.map(({ camel, kebab }) => `import { ${camel} } from "./${kebab}.ts";`).join("\n")}

/** One file per rpc. */
export const handlers = (
  context: ${service.pascal}Context,
): Handlers<typeof ${service.camel}.${service.pascal}ServiceService> => ({
${handlers.map(({ camel }) => `  ${camel}: ${camel}(context),`).join("\n")}
});
`;
  writeFileSync(`${folder}/src/handlers/index.ts`, text);
  process.stdout.write(`changed ${folder}/src/handlers/index.ts\n`);
}
