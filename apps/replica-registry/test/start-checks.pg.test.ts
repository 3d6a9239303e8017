import { expect, test } from "vitest";
import { expectNoLeaks } from "@berth/testing";
import { Cluster } from "./cluster.ts";

expectNoLeaks();
const LONG = { timeout: 60_000 };

test.concurrent(
  "a relay URL that equals the access URL is refused: variable, value, mend, exit 78",
  LONG,
  async (context) => {
    const cluster = await Cluster.open(context);
    const program = await cluster.spawn({
      CODER_ACCESS_URL: "https://berth.example.com",
      CODER_DERP_SERVER_RELAY_URL: "https://berth.example.com:443",
    });
    expect(await program.exit).toEqual({ code: 78, signal: null });
    expect(program.tail()).toContain(
      'CODER_DERP_SERVER_RELAY_URL is "https://berth.example.com:443": it equals CODER_ACCESS_URL',
    );
  },
);

test.concurrent(
  "a pool that Postgres can never fill is refused: variable, value, mend, exit 78",
  LONG,
  async (context) => {
    const cluster = await Cluster.open(context);
    const program = await cluster.spawn({ CODER_MAX_DB_CONNECTIONS: "5000" });
    expect(await program.exit).toEqual({ code: 78, signal: null });
    expect(program.tail()).toMatch(
      /CODER_MAX_DB_CONNECTIONS.*is 5000, but Postgres gives \d+ connections.*lower it/,
    );
  },
);

test.concurrent(
  "a password that Postgres refuses is told without the password, and the exit code is 78",
  LONG,
  async (context) => {
    const cluster = await Cluster.open(context);
    const program = await cluster.spawn({
      CODER_PG_CONNECTION_URL: `postgres://berth:not-the-password@127.0.0.1:${cluster.postgres.port}/postgres`,
    });
    expect(await program.exit).toEqual({ code: 78, signal: null });
    expect(program.tail()).toMatch(/CODER_PG_CONNECTION_URL.*berth@127\.0\.0\.1:\d+\/postgres.*password/);
    expect(program.tail()).not.toContain("not-the-password");
  },
);

test.concurrent(
  "a registry without any database named is told which variable to set",
  LONG,
  async (context) => {
    const cluster = await Cluster.open(context);
    const program = await cluster.spawn({ CODER_PG_CONNECTION_URL: "" });
    expect(await program.exit).toEqual({ code: 78, signal: null });
    expect(program.tail()).toContain("CODER_PG_CONNECTION_URL");
  },
);
