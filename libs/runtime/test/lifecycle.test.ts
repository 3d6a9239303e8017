import { createServer } from "node:net";
import { Scope } from "@berth/std";
import { afterEach, beforeEach, expect, test } from "vitest";
import { spawnProgram } from "./spawn.ts";

let scope: Scope;
beforeEach(() => void (scope = new Scope()));
afterEach(() => scope.close());

const start = (env: Record<string, string> = {}, args: string[] = []) =>
  spawnProgram(scope, "two-services.ts", args, env);

/** Events without the port, which differs. */
const plain = (events: readonly string[]) => events.map((event) => event.replace(/ at \d+$/, ""));

const STARTED = ["pool opened", "registry started", "api started"];
const CLOSED = ["api closed", "registry closed", "pool closed"];
const drainedFor = (reason: string) => [
  "registry told",
  "api told",
  `registry drains for ${reason}`,
  `api drains for ${reason}`,
  "registry drained",
  "api drained",
];

for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const)
  test(`${signal}: services start in order, drain side by side, close in reverse, and the exit code is 0`, async () => {
    const child = start();
    await child.event(/^api started/);
    child.signal(signal);
    expect(await child.ended).toEqual({ code: 0, signal: null });
    expect(plain(child.events)).toEqual([...STARTED, ...drainedFor(signal), ...CLOSED]);
  });

test("a start that fails closes what was open, says why in one line and exits 1", async () => {
  const child = start({ CODER_TEST_FAIL_AT: "2" });
  expect((await child.ended).code).toBe(1);
  expect(plain(child.events)).toEqual(["pool opened", "registry started", ...CLOSED]);
  expect(child.stderr()).toContain("berth: could not start: api has no database\n");
});

test("a fatal fault drains and exits 1", async () => {
  const child = start({ CODER_TEST_FAULT_MS: "1" });
  expect((await child.ended).code).toBe(1);
  expect(plain(child.events)).toEqual([...STARTED, ...drainedFor("failure"), ...CLOSED]);
  expect(child.stderr()).toContain("the leak was found");
});

test("a rejection that nobody handles is logged whole and fatal", async () => {
  const child = start({ CODER_TEST_REJECT: "true" });
  expect((await child.ended).code).toBe(1);
  expect(plain(child.events)).toEqual([...STARTED, ...drainedFor("failure"), ...CLOSED]);
  expect(child.stderr()).toMatch(/forgotten promise.*two-services\.ts/);
});

test("a second signal ends it on the spot with 130", async () => {
  const child = start({ CODER_TEST_SLOW_DRAIN: "true" });
  await child.event(/^api started/);
  child.signal("SIGTERM");
  await child.event(/^api drains/);
  child.signal("SIGTERM");
  expect((await child.ended).code).toBe(130);
});

test("a drain that does not end is left behind after CODER_DRAIN_TIMEOUT, and named", async () => {
  const child = start({ CODER_TEST_SLOW_DRAIN: "true", CODER_DRAIN_TIMEOUT: "100ms" });
  await child.event(/^api started/);
  child.signal("SIGTERM");
  expect((await child.ended).code).toBe(0);
  expect(plain(child.events).slice(-3)).toEqual(CLOSED);
  expect(child.stderr()).toContain('"still":["registry: work","api: work"]');
});

test("a process told to end while it starts starts nothing more and closes", async () => {
  const child = start({ CODER_TEST_SLOW_START: "true" });
  await child.event(/^registry starting/);
  child.signal("SIGTERM");
  expect((await child.ended).code).toBe(0);
  expect(child.events).not.toContain("api closed");
  expect(child.events.slice(-2)).toEqual(["registry closed", "pool closed"]);
});

test("every mistake of the configuration is told, nothing is opened, and the exit code is 78", async () => {
  const child = start({ CODER_TEST_FAIL_AT: "one", CODER_DRAIN_TIMEOUT: "60", CODER_HTTP_ADDRESS: "3000" });
  expect((await child.ended).code).toBe(78);
  expect(child.events).toEqual([]);
  for (const variable of ["CODER_TEST_FAIL_AT", "CODER_DRAIN_TIMEOUT", "CODER_HTTP_ADDRESS"])
    expect(child.stderr()).toContain(`  ${variable} is `);
});

test("a port in use is a mistake of the configuration that names the variable, the address and the mend", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  scope.add("other", () => other.close());
  const address = other.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const child = start({ CODER_HTTP_ADDRESS: `127.0.0.1:${port}` });
  expect((await child.ended).code).toBe(78);
  expect(child.stderr()).toContain(
    `CODER_HTTP_ADDRESS is "127.0.0.1:${port}": the port is in use by another process`,
  );
});

test("a preparation comes first, its variables reach the services, and it closes last", async () => {
  const child = start({}, ["--prepared"]);
  expect((await child.ended).code).toBe(1);
  expect(child.events[0]).toBe("database opened");
  expect(child.events.at(-1)).toBe("database closed");
  expect(child.stderr()).toContain("the leak was found");
});

test("the process is healthy at once, ready when every service has started, and not ready while it drains", async () => {
  const starting = start({ CODER_TEST_SLOW_START: "true" });
  const early = portIn(await starting.event(/^registry starting/));
  expect(await get(early, "/healthz")).toEqual([200, "OK"]);
  expect(await get(early, "/readyz")).toEqual([503, "starting"]);
  const child = start({ CODER_TEST_SLOW_DRAIN: "true", CODER_DRAIN_TIMEOUT: "2s" });
  const port = portIn(await child.event(/^api started/));
  expect(await get(port, "/readyz")).toEqual([200, "OK"]);
  expect(await get(port, "/api")).toEqual([200, "api registry"]);
  child.signal("SIGTERM");
  await child.event(/^api drains/);
  expect(await get(port, "/healthz")).toEqual([200, "OK"]);
  expect(await get(port, "/readyz")).toEqual([503, "draining"]);
});

const portIn = (event: string) => /(\d+)$/.exec(event)?.[1] ?? "";

async function get(port: string, path: string): Promise<[number, string]> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return [response.status, await response.text()];
}

test("--help lists every option, once, and opens nothing", async () => {
  const child = start({}, ["--help"]);
  expect((await child.ended).code).toBe(0);
  const text = child.events.join("\n");
  expect(text.match(/--test-fail-at <count>/g)).toHaveLength(1);
  expect(text).toContain("--http-address <address> ($CODER_HTTP_ADDRESS, default 127.0.0.1:3000)");
});
