import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { startLocalPostgres } from "@berth/local-postgres";
import { Scope } from "@berth/std";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outcomeOf, type Person } from "../src/berth.ts";
import { bareEnvironment } from "../src/cluster.ts";
import { Pod } from "../src/pod.ts";
import { endWorkspaces, makeFolder, personAt } from "../src/scene.ts";
import { freePort } from "../src/tcp.ts";
import { TextStream } from "../src/text-stream.ts";

const HAPROXY_CONFIG = resolve(import.meta.dirname, "../../../deploy/haproxy/haproxy.cfg");
/** Debian keeps it where only root's PATH looks. */
const HAPROXY = ["haproxy", "/usr/sbin/haproxy"].find((program) => spawnSync(program, ["-v"]).status === 0);

// skipped where HAProxy is absent: tools/setup.sh installs it
describe.skipIf(HAPROXY === undefined)("separate pods behind HAProxy on one port", () => {
  const scope = new Scope();
  const pods = new Map<string, Pod>();
  let owner: Person;

  beforeAll(async () => {
    const folder = await makeFolder();
    scope.add("folder", () => rm(folder, { recursive: true, force: true }));
    const postgres = await startLocalPostgres({
      folder: join(folder, "server"),
      durable: false,
      maxConnections: 200,
    });
    scope.add("postgres", () => postgres.stop());
    const [balancer, registry, api1, api2, relay1, relay2] = await Promise.all(
      Array.from({ length: 6 }, async () => `127.0.0.1:${await freePort()}`),
    );
    const accessUrl = `http://${balancer ?? ""}`;
    const shared = {
      ...bareEnvironment(folder),
      CODER_PG_CONNECTION_URL: postgres.url,
      CODER_ACCESS_URL: accessUrl,
      CODER_REPLICA_REGISTRY_URL: `http://${registry ?? ""}`,
      CODER_PROVISIONER_DAEMON_PSK: "a key that compose would share",
      CODER_DANGEROUS_ALLOW_LOCAL_TEMPLATE: "true",
    };
    const start = async (
      app: string,
      name: string,
      address: string | undefined,
      more: Record<string, string> = {},
    ) => {
      const pod = Pod.of(app, name, {
        ...shared,
        CODER_HTTP_ADDRESS: address,
        CODER_CONFIG_DIR: join(folder, name),
        ...more,
      });
      pods.set(name, scope.use(name, pod));
      await pod.readyAt(`http://${address ?? ""}/readyz`);
    };
    await start("replica-registry", "registry", registry);
    await Promise.all([
      start("api", "api-1", api1),
      start("api", "api-2", api2),
      start("relay-mesh", "relay-1", relay1, { CODER_DERP_SERVER_RELAY_URL: `http://${relay1 ?? ""}` }),
      start("relay-mesh", "relay-2", relay2, { CODER_DERP_SERVER_RELAY_URL: `http://${relay2 ?? ""}` }),
    ]);
    const haproxy = new Pod("haproxy", [HAPROXY ?? "", "-f", HAPROXY_CONFIG], {
      ...bareEnvironment(folder),
      BERTH_BIND: balancer,
      BERTH_API_1: api1,
      BERTH_API_2: api2,
      BERTH_RELAY_1: relay1,
      BERTH_RELAY_2: relay2,
    });
    pods.set("haproxy", scope.use("haproxy", haproxy));
    await haproxy.readyAt(`${accessUrl}/api/v2/buildinfo`);
    for (const name of ["daemon-1", "daemon-2"]) {
      const daemon = Pod.of("provisioner-daemon", name, {
        ...bareEnvironment(folder),
        CODER_URL: accessUrl,
        CODER_PROVISIONER_DAEMON_PSK: shared.CODER_PROVISIONER_DAEMON_PSK,
        CODER_PROVISIONER_DAEMON_NAME: name,
        CODER_CACHE_DIRECTORY: join(folder, name),
      });
      pods.set(name, scope.use(name, daemon));
    }
    scope.add("workspaces", () => endWorkspaces(folder));
    owner = await personAt(folder, "owner", accessUrl);
  }, 180_000);

  afterAll(async () => {
    await scope.close();
  }, 60_000);

  test("a workspace is built by an external daemon and reached over the relays", async () => {
    await owner.must("templates", "init", "--id", "local", "local");
    await owner.must("templates", "push", "local", "--directory", "local", "--yes");
    await owner.must("create", "dev", "--template", "local", "--yes");
    await owner.must("config-ssh", "--ssh-config-file", owner.sshConfig, "--yes");
    expect(await outcomeOf(owner.openSsh("ssh", "coder.dev", "echo $CODER_WORKSPACE_NAME"))).toMatchObject({
      code: 0,
      stdout: "dev\n",
    });
    const daemons = JSON.parse(await owner.must("provisioner", "list", "--output", "json")) as {
      name: string;
    }[];
    expect(daemons.map(({ name }) => name).sort()).toEqual(["daemon-1", "daemon-2"]);
  }, 120_000);

  test("five processes of three services are one cluster", async () => {
    const replicas = JSON.parse(await owner.must("replicas", "--output", "json")) as {
      state: string;
      services: string[];
    }[];
    expect(
      replicas
        .filter(({ state }) => state === "ready")
        .flatMap(({ services }) => services)
        .sort(),
    ).toEqual(["api", "api", "relay-mesh", "relay-mesh", "replica-registry"]);
  });

  test("a session re-homes with every api dead", async () => {
    const shell = owner.openSsh("ssh", "-tt", "coder.dev");
    const screen = new TextStream(shell.stdout);
    shell.stdin.write("echo first-$$-first\n");
    const [, pid] = await screen.until(/first-(\d+)-first/);
    for (const api of ["api-1", "api-2"]) await pods.get(api)?.end("SIGKILL");
    await pods.get("relay-1")?.end("SIGKILL");
    shell.stdin.write("echo second-$$-second\n");
    const [, still] = await screen.until(/second-(\d+)-second/);
    expect(still).toBe(pid);
    shell.stdin.write("exit\n");
    expect(await outcomeOf(shell)).toMatchObject({ code: 0 });
  }, 60_000);
});
