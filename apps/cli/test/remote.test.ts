import { Duplex, PassThrough, Writable } from "node:stream";
import type { TunnelStream } from "@berth/tunnel";
import ssh2, { type ServerChannel } from "ssh2";
import { describe, expect, test } from "vitest";
import { runRemote } from "../src/ssh/remote.ts";

const KEY = ssh2.utils.generateKeyPairSync("ed25519");

/** Two ends of one stream. What one side writes in one go arrives in one go, as it does over a tunnel. */
function pair(): [Duplex, Duplex] {
  const make = (peer: () => Duplex) => {
    const state = { waiting: [] as Buffer[], scheduled: false };
    const deliver = () => {
      state.scheduled = false;
      peer().push(Buffer.concat(state.waiting.splice(0)));
    };
    const end = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        state.waiting.push(Buffer.from(chunk));
        if (!state.scheduled) setImmediate(deliver);
        state.scheduled = true;
        done();
      },
      final(done) {
        setImmediate(() => {
          peer().push(null);
          done();
        });
      },
    });
    return end;
  };
  const a: Duplex = make(() => b);
  const b: Duplex = make(() => a);
  return [a, b];
}

interface Asked {
  command?: string;
  term?: string;
  env: Record<string, string>;
}

/** An agent's ssh server that does one thing with the command it is given. */
function agent(stream: Duplex, serve: (channel: ServerChannel) => void): Asked {
  const asked: Asked = { env: {} };
  const server = new ssh2.Server({ hostKeys: [KEY.private] }, (client) => {
    client.on("authentication", (attempt) => attempt.accept());
    client.on("error", () => undefined); // the client has gone
    client.on("session", (accept) => {
      const session = accept();
      session.on("env", (_accept, _reject, { key, val }) => (asked.env[key] = val));
      session.on("pty", (ok, _reject, { term }) => {
        asked.term = term;
        ok();
      });
      session.on("exec", (ok, _reject, { command }) => {
        asked.command = command;
        serve(ok());
      });
      session.on("shell", (ok) => serve(ok()));
    });
  });
  const inject: (stream: Duplex) => void = server.injectSocket.bind(server) as never;
  inject(stream);
  return asked;
}

async function run(
  serve: (channel: ServerChannel) => void,
  { command = ["true"], tty = false, input = "", hostKey = KEY.public } = {},
) {
  const [near, far] = pair();
  const asked = agent(far, serve);
  const text = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr") =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text[name] += chunk.toString();
        done();
      },
    });
  const stdin = new PassThrough();
  stdin.end(input);
  const ends = { stdin, stdout: into("stdout"), stderr: into("stderr") };
  // a tunnel's stream has more than a duplex, and runRemote uses none of it
  const status = await runRemote(near as TunnelStream, hostKey, { command, tty, env: { LANG: "C" } }, ends);
  return { status, asked, ...text };
}

const exitWith = (code: number) => (channel: ServerChannel) => {
  channel.exit(code);
  channel.end();
};

describe("the exit status", () => {
  test.each([0, 1, 7, 255])(
    "of a command that ends in the bytes that accept it is heard: %i",
    async (code) => {
      expect((await run(exitWith(code))).status).toBe(code);
    },
  );

  test("of a command that a signal has ended is what shells say", async () => {
    const { status } = await run((channel) => {
      channel.exit("KILL", false, "");
      channel.end();
    });
    expect(status).toBe(137);
  });

  test("is 255 when the far end does not say", async () => {
    expect((await run((channel) => channel.end())).status).toBe(255);
  });
});

test("input goes up to its end; output and errors come down apart", async () => {
  const outcome = await run(
    (channel) => {
      channel.on("data", (chunk: Buffer) => channel.write(chunk.toString().toUpperCase()));
      channel.on("end", () => {
        channel.stderr.write("that is all");
        exitWith(3)(channel);
      });
    },
    { command: ["tr", "a-z", "A-Z"], input: "hello" },
  );
  expect(outcome).toMatchObject({ status: 3, stdout: "HELLO", stderr: "that is all" });
  expect(outcome.asked).toEqual({ command: "tr a-z A-Z", env: { LANG: "C" } });
});

test("a terminal is asked for by the name of this one", async () => {
  const { asked } = await run(exitWith(0), { command: [], tty: true });
  expect(asked.term).toBe(process.env["TERM"] ?? "xterm-256color");
});

test("another host key than the deployment's is refused", async () => {
  const other = ssh2.utils.generateKeyPairSync("ed25519").public;
  await expect(run(exitWith(0), { hostKey: other })).rejects.toThrow("the workspace's ssh server");
});
