const { globSync, readFileSync } = require("node:fs");

/** Who may import whom: docs/decisions/0002-one-door-each.md and CONTRIBUTING.md. */
const libs = (...names) => `^libs/(${names.join("|")})/`;
const apps = (...names) => `^apps/(${names.join("|")})/`;
const tier0 = ["std", "contract", "http-api", "derp"];
const tier1 = ["config", "telemetry", "rpc", "runtime", "database"];
const tier2 = ["coordination", "tunnel", "terraform", "testing", "local-postgres"];
const edgeLibs = ["std", "contract", "http-api", "derp", "config", "telemetry", "rpc", "runtime", "tunnel"];
/** Every app that says so in its package.json: a new service needs no line here. */
const services = globSync("apps/*/package.json")
  .map((file) => JSON.parse(readFileSync(file, "utf8")))
  .filter((project) => project.nx.tags.includes("service"))
  .map((project) => project.name.replace("@berth/", ""));
const source = (name) => `^(libs|apps)/${name}/src/`;

const forbid = (name, comment, from, to) => ({ name, severity: "error", comment, from, to });
const onlyFrom = (name, packages, owners) =>
  forbid(
    name,
    `${packages} enters through ${owners} alone`,
    { path: "^(libs|apps)/[^/]+/src/", pathNot: owners },
    { path: `node_modules/(${packages})(/|$)` },
  );

module.exports = {
  forbidden: [
    forbid(
      "no-cycles",
      "a circle has no first stone",
      {},
      { circular: true, dependencyTypesNot: ["type-only"] },
    ),
    forbid(
      "tier-0",
      "no I/O below tier 1",
      { path: libs(...tier0), pathNot: "/test/" },
      { path: libs(...tier1, ...tier2) },
    ),
    forbid(
      "tier-1",
      "tier 1 knows nothing of tier 2",
      { path: libs(...tier1), pathNot: "/test/" },
      { path: libs(...tier2) },
    ),
    forbid("libs-know-no-apps", "libs serve apps", { path: "^libs/" }, { path: "^apps/" }),
    forbid(
      "services-and-libs",
      "services ship without test and laptop libs",
      { path: `^apps/(${services.join("|")})/src/`, pathNot: "\\.test\\.ts$" },
      {
        path: [libs("testing", "local-postgres", "terraform"), "^apps/"],
        pathNot: services.map((s) => `^apps/${s}/`),
      },
    ),
    ...services.map((service) =>
      forbid(
        `${service}-alone`,
        "services speak gRPC, they do not import each other",
        { path: `^apps/${service}/` },
        { path: "^apps/", pathNot: `^apps/${service}/` },
      ),
    ),
    forbid(
      "edges-reach-no-postgres",
      "agent, cli and proxy run at strangers' machines",
      { path: `^apps/(agent|cli|workspace-proxy)/src/` },
      { path: "^libs/", pathNot: libs(...edgeLibs) },
    ),
    forbid(
      "daemon-reaches-no-postgres",
      "a provisioner daemon has no way to reach Postgres",
      { path: source("provisioner-daemon") },
      { path: "^libs/", pathNot: libs(...edgeLibs.filter((lib) => lib !== "tunnel"), "terraform") },
    ),
    ...["agent", "cli", "provisioner-daemon"].map((app) =>
      forbid(
        `${app}-alone`,
        "only berth imports apps",
        { path: `^apps/${app}/` },
        { path: "^apps/", pathNot: `^apps/${app}/` },
      ),
    ),
    forbid(
      "server-composes",
      "server puts services together",
      { path: source("server") },
      {
        path: ["^apps/", "^libs/"],
        pathNot: [
          apps(...services, "server"),
          libs("runtime", "local-postgres", "config", "rpc", "std", "telemetry", "database", "coordination"),
        ],
      },
    ),
    forbid(
      "berth-starts-programs",
      "berth leads a word to a program, and never to a service of the control plane",
      { path: source("berth") },
      {
        path: "^apps/",
        pathNot: apps("berth", "cli", "server", "agent", "provisioner-daemon", "workspace-proxy"),
      },
    ),
    forbid(
      "berth-loads-one",
      "by dynamic import, so that a command loads its own program alone",
      { path: source("berth"), pathNot: "\\.test\\.ts$" },
      { path: "^apps/", pathNot: "^apps/berth/", dependencyTypesNot: ["dynamic-import"] },
    ),
    forbid(
      "front-door",
      "import another project by its index.ts",
      { path: "^(libs|apps)/([^/]+)/" },
      { path: "^(libs|apps)/[^/]+/", pathNot: ["^$1/$2/", "^(libs|apps)/[^/]+/src/index\\.ts$"] },
    ),
    forbid(
      "generated-code",
      "contract alone reads what buf writes",
      { pathNot: "^libs/contract/" },
      { path: "^libs/contract/src/gen/" },
    ),
    onlyFrom("grpc-door", "@grpc/grpc-js", "^libs/(rpc|contract)/"),
    onlyFrom("postgres-door", "postgres|pg-listen|pg", "^libs/database/"),
    onlyFrom("telemetry-door", "@opentelemetry/sdk-[^/]+|prom-client|pino|pino-pretty", "^libs/telemetry/"),
    onlyFrom("websocket-door", "ws", "^libs/rpc/"),
    forbid(
      "tests-are-not-shipped",
      "src never imports testing",
      { path: "^(libs|apps)/[^/]+/src/", pathNot: ["\\.test\\.ts$", "^libs/testing/", "^apps/e2e/"] },
      { path: ["^libs/testing/", "node_modules/(vitest|fast-check)/"] },
    ),
    forbid(
      "declared",
      "every import stands in the project's package.json",
      { path: "^(libs|apps)/[^/]+/src/", pathNot: "\\.test\\.ts$" },
      { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    ),
    forbid("resolvable", "every import leads somewhere", {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: ["node_modules", "libs/contract/src/gen/"] },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      conditionNames: ["import", "node", "types", "default"],
      exportsFields: ["exports"],
    },
  },
};
