import { existsSync } from "node:fs";
import { Changes, folderOfService, run } from "./files.ts";
import { handlerIndex, handlersOf } from "./handlers.ts";
import { type Names, namesOf } from "./names.ts";

/** Adds an rpc to a service made by `new service`: its messages, its handler, a test that calls it. */
export function newRpc([serviceName, rpcName]: readonly string[]): void {
  const service = namesOf("service", serviceName);
  const rpc = namesOf("rpc", rpcName);
  const folder = folderOfService(service.kebab);
  const proto = `proto/berth/${service.snake}/v1/${service.snake}.proto`;
  if (!existsSync(proto))
    throw new Error(
      `${folder} was not made by \`new service\`: its rpcs are written by hand, in proto/ and ${folder}`,
    );
  const changes = new Changes();
  changes.add(`${folder}/src/handlers/${rpc.kebab}.ts`, handlerOf(service, rpc));
  changes.edit(proto, (text) => addRpc(text, service, rpc));
  changes.edit(`${folder}/src/handlers/index.ts`, () => handlerIndex(service, [...handlersOf(folder), rpc]));
  changes.add(`${folder}/test/${rpc.kebab}.pg.test.ts`, testOf(service, rpc));
  changes.write();
  run("buf", ["generate"], "proto");
  run("prettier", ["--write", folder]);
}

function addRpc(proto: string, service: Names, rpc: Names): string {
  const end = new RegExp(`(service ${service.pascal}Service \\{[\\s\\S]*?)\\n\\}`);
  if (!end.test(proto)) return proto; // another hand's: there is no place to change
  return `${proto.replace(
    end,
    (_, body: string) => `${body}
  // Answers how many entries there are. Say here what callers may rely on.
  rpc ${rpc.pascal}(${rpc.pascal}Request) returns (${rpc.pascal}Response);
}`,
  )}
message ${rpc.pascal}Request {
  // W3C trace context.
  string traceparent = 1;
}

message ${rpc.pascal}Response {
  uint32 entries = 1;
}
`;
}

/** A handler that does something true from the start: it counts the service's entries. */
export function handlerOf(service: Names, rpc: Names): string {
  return `import type { ${service.camel} } from "@berth/contract";
import { countEntries as count } from "../store.ts";
import type { ${service.pascal}Context } from "../context.ts";

export const ${rpc.camel} =
  ({ database }: ${service.pascal}Context) =>
  async (_request: ${service.camel}.${rpc.pascal}Request): Promise<${service.camel}.${rpc.pascal}Response> => ({
    entries: await count(database.sql),
  });
`;
}

/** A test that calls the rpc of a real process over its listener. */
export function testOf(service: Names, rpc: Names): string {
  return `import { expect, test } from "vitest";
import { start${service.pascal} } from "./start-${service.kebab}.ts";

test("${rpc.pascal} answers how many entries there are", async () => {
  await using ${service.camel} = await start${service.pascal}();
  expect(await ${service.camel}.client.${rpc.camel}({ traceparent: "" })).toEqual({ entries: 0 });
});
`;
}
