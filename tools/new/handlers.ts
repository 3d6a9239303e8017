import { readdirSync } from "node:fs";
import { type Names, namesOf } from "./names.ts";

/** The rpcs that have a handler in a service. */
export function handlersOf(folder: string): Names[] {
  return readdirSync(`${folder}/src/handlers`)
    .filter((file) => file.endsWith(".ts") && file !== "index.ts")
    .map((file) => namesOf("handler", file.replace(/\.ts$/, "")));
}

/** The text of `handlers/index.ts`. */
export function handlerIndex(service: Names, rpcs: readonly Names[]): string {
  const handlers = rpcs.toSorted((a, b) => (a.kebab < b.kebab ? -1 : 1));
  return `import { ${service.camel} } from "@berth/contract";
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
}
