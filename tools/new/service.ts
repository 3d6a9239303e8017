import { readFileSync } from "node:fs";
import { Changes, run } from "./files.ts";
import { handlerIndex } from "./handlers.ts";
import { type Names, namesOf } from "./names.ts";
import { handlerOf, testOf } from "./rpc.ts";

/** Makes a service: folder, proto, migration, tests; it is part of `npm start` from then on. */
export function newService([name]: readonly string[]): void {
  const service = namesOf("service", name);
  const count = namesOf("rpc", "CountEntries");
  const folder = `apps/${service.kebab}`;
  const changes = new Changes();
  for (const [file, text] of Object.entries(filesOf(service))) changes.add(`${folder}/${file}`, text);
  changes.add(`proto/berth/${service.snake}/v1/${service.snake}.proto`, protoOf(service));
  changes.add(`${folder}/src/handlers/${count.kebab}.ts`, handlerOf(service, count));
  changes.add(`${folder}/src/handlers/index.ts`, handlerIndex(service, [count]));
  changes.add(`${folder}/test/${count.kebab}.pg.test.ts`, testOf(service, count));
  changes.edit(
    "libs/contract/src/index.ts",
    (text) =>
      `${text}export * as ${service.camel} from "./gen/berth/${service.snake}/v1/${service.snake}.ts";\n`,
  );
  changes.edit("apps/server/src/services.ts", (text) =>
    `import { ${service.camel} } from "@berth/${service.kebab}";\n${text}`.replace(
      /,?\s*\];/,
      `, ${service.camel}];`,
    ),
  );
  changes.edit("apps/server/package.json", (text) => {
    const project = JSON.parse(text) as { dependencies: Record<string, string> };
    project.dependencies[`@berth/${service.kebab}`] = "*";
    return `${JSON.stringify(project, null, 2)}\n`;
  });
  changes.write();
  run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]);
  run("buf", ["generate"], "proto");
  run("prettier", ["--write", folder, "apps/server", "libs/contract/src/index.ts"]);
  run("node", ["tools/check/docs.ts", "--write"]);
}

function filesOf(service: Names): Record<string, string> {
  const { kebab, camel, pascal, snake } = service;
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const libs = [
    "config",
    "contract",
    "coordination",
    "database",
    "rpc",
    "runtime",
    "std",
    "telemetry",
    "testing",
  ];
  return {
    "package.json": `${JSON.stringify(
      {
        name: `@berth/${kebab}`,
        version,
        private: true,
        license: "Apache-2.0",
        type: "module",
        exports: "./src/index.ts",
        scripts: { test: "vitest run --config ../../vitest.config.ts" },
        nx: { tags: ["service"] },
        dependencies: Object.fromEntries(libs.map((lib) => [`@berth/${lib}`, "*"])),
      },
      null,
      2,
    )}\n`,
    "README.md": `# ${kebab}

Owns the Postgres schema \`${snake}\` and serves \`${pascal}Service\` ([proto](../../proto/berth/${snake}/v1/${snake}.proto)) to siblings
that prove the deployment key.

**How it fails.** Without Postgres its calls answer UNAVAILABLE, which callers retry; it keeps nothing in memory.

<!-- options -->
<!-- /options -->
`,
    "migrations/0001-initial.expand.sql": `create table ${snake}.entry (
  id uuid primary key,
  created_at timestamptz not null default now()
);
`,
    "src/index.ts": `import { ${camel} as wire } from "@berth/contract";
import { openDeployment } from "@berth/coordination";
import { migrate } from "@berth/database";
import type { ValuesOf } from "@berth/config";
import type { Service } from "@berth/runtime";
import { ${camel}Config } from "./config.ts";
import { handlers } from "./handlers/index.ts";

export { ${camel}Config };

/** The service; see its README for what it owns. */
export const ${camel}: Service<ValuesOf<typeof ${camel}Config>> = {
  name: "${kebab}",
  config: ${camel}Config,
  async start({ config, process, mount, log }) {
    const { database } = await openDeployment(process, config, log);
    await migrate(database, { schema: "${snake}", folder: new URL("../migrations/", import.meta.url) }, log);
    mount.grpc(wire.${pascal}ServiceService, handlers({ database }), "internal");
  },
};
`,
    "src/main.ts": `import { run } from "@berth/runtime";
import { ${camel} } from "./index.ts";

run([${camel}]);
`,
    "src/config.ts": `import { databaseConfig } from "@berth/database";

export const ${camel}Config = databaseConfig;
`,
    "src/context.ts": `import type { Database } from "@berth/database";

/** What every handler works with. */
export interface ${pascal}Context {
  readonly database: Database;
}
`,
    "src/store.ts": `import type { Queryable } from "@berth/database";

/** How many entries there are. */
export async function countEntries(sql: Queryable): Promise<number> {
  const [row] = await sql<{ entries: number }[]>\`select count(*)::int as entries from ${snake}.entry\`;
  return row?.entries ?? 0;
}
`,
    [`test/start-${kebab}.ts`]: startOf(service),
  };
}

function startOf({ camel, pascal }: Names): string {
  return `import { ${camel} } from "@berth/contract";
import { connect, type Client } from "@berth/rpc";
import { startPod } from "@berth/testing";

/** The service as a process of its own, and a client that proves the deployment key. */
export async function start${pascal}(): Promise<
  AsyncDisposable & { readonly client: Client<typeof ${camel}.${pascal}ServiceService> }
> {
  const { url, deploymentKey, ...pod } = await startPod(new URL("../src/main.ts", import.meta.url));
  const client = connect(${camel}.${pascal}ServiceService, { targets: [url], deploymentKey });
  return {
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await pod[Symbol.asyncDispose]();
    },
  };
}
`;
}

function protoOf({ pascal, snake }: Names): string {
  return `syntax = "proto3";

package berth.${snake}.v1;

// ${pascal}Service keeps entries.
service ${pascal}Service {
  // Answers how many entries there are.
  rpc CountEntries(CountEntriesRequest) returns (CountEntriesResponse);
}

message CountEntriesRequest {
  // W3C trace context.
  string traceparent = 1;
}

message CountEntriesResponse {
  uint32 entries = 1;
}
`;
}
