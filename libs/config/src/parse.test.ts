import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ConfigError,
  address,
  choice,
  count,
  describe,
  duration,
  flag,
  list,
  merge,
  parse,
  path,
  readmeTable,
  secret,
  section,
  tags,
  text,
  url,
} from "./index.ts";
import { editDistance } from "./nearest.ts";

const everything = section({
  name: text("CODER_NAME", "berth", "A name"),
  optional: text("CODER_OPTIONAL", "May be left out"),
  accessUrl: url("CODER_ACCESS_URL", "Where users go"),
  listen: address("CODER_HTTP_ADDRESS", "127.0.0.1:3000", "The one listener", { aliases: ["CODER_ADDRESS"] }),
  drainMs: duration("CODER_DRAIN_TIMEOUT", "60s", "How long sessions may live", { max: 3_600_000 }),
  key: secret("CODER_PROVISIONER_DAEMON_KEY", "Proves a daemon"),
  daemons: count("CODER_PROVISIONER_DAEMONS", 3, "How many", { max: 100 }),
  auth: choice("CODER_PG_AUTH", ["password", "awsiamrds"], "password", "How to log in"),
  derp: flag("CODER_DERP_SERVER_ENABLE", true, "Serve the relay"),
  origins: list("CODER_PROXY_TRUSTED_ORIGINS", "", "Who may set headers"),
  labels: tags("CODER_PROVISIONERD_TAGS", "", "What this daemon is for"),
  cache: path("CODER_CACHE_DIRECTORY", "~/.cache/berth", "Where files are kept"),
});

function read(env: Record<string, string>, argv: string[] = []) {
  return parse([everything], { env, argv }).values[0];
}

function mistakesOf(env: Record<string, string>, argv: string[] = []) {
  try {
    read(env, argv);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes;
  }
}

test("defaults are parsed like written values, and what has none is undefined", () => {
  const values = read({ HOME: "/home/x" });
  expect(values.listen).toEqual({ host: "127.0.0.1", port: 3000 });
  expect(values.drainMs).toBe(60_000);
  expect(values.accessUrl).toBeUndefined();
  expect(values.origins).toEqual([]);
  expect(values.labels).toEqual({});
  expect(values.cache).toMatch(/^\/.*\/\.cache\/berth$/);
  expect(values.derp).toBe(true);
});

test("a flag wins over the variable, the variable over its alias", () => {
  const env = { CODER_HTTP_ADDRESS: "*:80", CODER_ADDRESS: ":81" };
  expect(read(env).listen).toEqual({ host: "0.0.0.0", port: 80 });
  expect(read(env, ["--http-address", "[::1]:82"]).listen).toEqual({ host: "::1", port: 82 });
  expect(read({ CODER_ADDRESS: ":81" }).listen.port).toBe(81);
  expect(read({}, ["--derp-server-enable=false"]).derp).toBe(false);
  expect(read({ CODER_DERP_SERVER_ENABLE: "false" }, ["--derp-server-enable"]).derp).toBe(true);
});

test("an empty variable is as good as none", () => {
  expect(read({ CODER_HTTP_ADDRESS: "", CODER_ADDRESS: "127.0.0.1:5" }).listen.port).toBe(5);
});

test("all mistakes are told at once, each with variable, value, what was expected and the mend", () => {
  const mistakes = mistakesOf({
    CODER_HTTP_ADDRESS: "3000",
    CODER_ACCESS_URL: "berth.example.com",
    CODER_DRAIN_TIMEOUT: "60",
    CODER_PROVISIONER_DAEMONS: "101",
    CODER_PG_AUTH: "kerberos",
    CODER_DERP_SERVER_ENABLE: "maybe",
    CODER_PROVISIONERD_TAGS: "region",
  });
  expect(mistakes.map((one) => one.variable)).toEqual([
    "CODER_ACCESS_URL",
    "CODER_HTTP_ADDRESS",
    "CODER_DRAIN_TIMEOUT",
    "CODER_PROVISIONER_DAEMONS",
    "CODER_PG_AUTH",
    "CODER_DERP_SERVER_ENABLE",
    "CODER_PROVISIONERD_TAGS",
  ]);
  expect(new ConfigError(mistakes).message).toContain(
    'CODER_PROVISIONER_DAEMONS is "101": it must be at most 100; expected a whole number such as 3. Set CODER_PROVISIONER_DAEMONS (or --provisioner-daemons): How many',
  );
});

test("a required option that is missing is named", () => {
  const required = section({ url: url("CODER_URL", "The control plane", { required: true }) });
  expect(() => parse([required], { env: {} })).toThrow(/CODER_URL: it is not set; expected a URL such as/);
  expect(parse([required], { env: { CODER_URL: "http://a" } }).values[0].url.host).toBe("a");
});

test("a secret comes from a file, prints as [secret], and white space at its end is refused without showing it", () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-config-"));
  try {
    const file = join(folder, "key");
    writeFileSync(file, "hunter2");
    const values = read({ CODER_PROVISIONER_DAEMON_KEY_FILE: file });
    expect(values.key?.reveal()).toBe("hunter2");
    expect(JSON.stringify(values)).not.toContain("hunter2");
    writeFileSync(file, "hunter2\n");
    const [mistake] = mistakesOf({ CODER_PROVISIONER_DAEMON_KEY_FILE: file });
    expect(mistake?.variable).toBe("CODER_PROVISIONER_DAEMON_KEY_FILE");
    expect(mistake?.expected).toContain("white space");
    expect(JSON.stringify(mistake)).not.toContain("hunter2");
    expect(
      mistakesOf({ CODER_PROVISIONER_DAEMON_KEY: "a", CODER_PROVISIONER_DAEMON_KEY_FILE: file }),
    ).toHaveLength(1);
    expect(mistakesOf({ CODER_PROVISIONER_DAEMON_KEY_FILE: join(folder, "none") })[0]?.expected).toContain(
      "cannot be read",
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a mistyped variable is warned about with the nearest name; others' known names are not", () => {
  const env = {
    CODER_HTTP_ADRESS: ":80",
    CODER_PARAMETER_abc: "x",
    CODER_SSH_LOG_DIR: "/x",
    CODER_SERVICE_PORT_HTTP: "80",
    CODER_PORT_80_TCP_ADDR: "10.0.0.1",
    CODER_ZZZZZZZZZZZZZZZZZZ: "1",
  };
  expect(parse([everything], { env }).warnings).toEqual([
    "CODER_HTTP_ADRESS is set, but nothing reads it; did you mean CODER_HTTP_ADDRESS?",
    "CODER_ZZZZZZZZZZZZZZZZZZ is set, but nothing reads it",
  ]);
});

test("an unknown argument is a mistake that names the nearest flag", () => {
  expect(mistakesOf({}, ["--http-adress", "x"])[0]?.mend).toContain("--http-address");
  expect(mistakesOf({}, ["--http-address"])[0]?.mend).toBe("Write --http-address <address>");
});

test("help and the README table come from the declaration", () => {
  expect(describe(everything)[3]).toEqual({
    variable: "CODER_HTTP_ADDRESS",
    flag: "--http-address",
    aliases: ["CODER_ADDRESS"],
    kind: "address",
    fallback: "127.0.0.1:3000",
    description: "The one listener",
  });
  const small = section({
    listen: address("CODER_HTTP_ADDRESS", "*:80", "The one | only", { aliases: ["CODER_ADDRESS"] }),
    key: secret("CODER_KEY", "A key"),
  });
  expect(readmeTable(small).split("\n")).toEqual([
    "| variable                          | default |                 |",
    "| --------------------------------- | ------- | --------------- |",
    "| CODER_HTTP_ADDRESS, CODER_ADDRESS | *:80    | The one \\| only |",
    "| CODER_KEY                         | –       | A key           |",
  ]);
});

test("merged sections give the values of both", () => {
  const other = section({ port: count("CODER_OTHER", 7, "Another") });
  const values = parse([merge(everything, other)], { env: {} }).values[0];
  expect([values.port, values.name]).toEqual([7, "berth"]);
});

test("whatever the environment holds, parsing answers values or a ConfigError", () => {
  const variables = describe(everything).map((row) => row.variable);
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...variables), fc.string()), (env) => {
      mistakesOf(env);
    }),
  );
});

test("addresses, tags, durations and counts survive being written and read", () => {
  const host = fc.oneof(fc.ipV4(), fc.domain());
  fc.assert(
    fc.property(host, fc.nat(65_535), (name, port) => {
      expect(read({ CODER_HTTP_ADDRESS: `${name}:${port}` }).listen).toEqual({ host: name, port });
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), fc.nat(65_535), (name, port) => {
      expect(read({ CODER_HTTP_ADDRESS: `[${name}]:${port}` }).listen).toEqual({ host: name, port });
    }),
  );
  const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/);
  fc.assert(
    fc.property(fc.dictionary(word, word), (pairs) => {
      const written = Object.entries(pairs)
        .map(([key, value]) => `${key}=${value}`)
        .join(", ");
      expect(read({ CODER_PROVISIONERD_TAGS: written }).labels).toEqual({ ...pairs });
    }),
  );
  fc.assert(
    fc.property(fc.nat(59), fc.nat(59), (m, s) => {
      expect(read({ CODER_DRAIN_TIMEOUT: `${m}m${s}s` }).drainMs).toBe((m * 60 + s) * 1000);
    }),
  );
});

test("the distance of words is symmetric, zero for equals, and one for one slip", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, a)).toBe(0);
    }),
  );
  expect(editDistance("ADRESS", "ADDRESS")).toBe(1);
  expect(editDistance("ADDERSS", "ADDRESS")).toBe(1);
});
