import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Duplex, PassThrough, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import type { TunnelStream } from "@berth/tunnel";
import ssh2, { type Connection, type ServerChannel, type SocketBindInfo, type TcpipBindInfo } from "ssh2";
import { describe, expect, test } from "vitest";
import { parseRemoteForward, type RemoteForward } from "../src/ssh/remote-forward.ts";
import { runRemote } from "../src/ssh/remote.ts";
import { makeHostKey } from "./host-key.ts";

const KEY = makeHostKey();

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
  /** Where it was asked to listen, `address:port`. */
  listens: string[];
}

type Serve = (channel: ServerChannel, client: Connection) => void;

/** Ports that somebody else holds there. */
const TAKEN = 99;

/** An agent's ssh server that does one thing with the command it is given. */
function agent(stream: Duplex, serve: Serve): Asked {
  const asked: Asked = { env: {}, listens: [] };
  const server = new ssh2.Server({ hostKeys: [KEY.private] }, (client) => {
    client.on("authentication", (attempt) => attempt.accept());
    client.on("error", () => undefined); // the client has gone
    client.on("request", (accept, reject, _name, request: TcpipBindInfo | SocketBindInfo) => {
      if (!("bindPort" in request) || request.bindPort === TAKEN) return reject?.();
      asked.listens.push(`${request.bindAddr}:${request.bindPort}`);
      accept?.();
    });
    client.on("session", (accept) => {
      const session = accept();
      session.on("env", (_accept, _reject, { key, val }) => (asked.env[key] = val));
      session.on("pty", (ok, _reject, { term }) => {
        asked.term = term;
        ok();
      });
      session.on("exec", (ok, _reject, { command }) => {
        asked.command = command;
        serve(ok(), client);
      });
      session.on("shell", (ok) => serve(ok(), client));
    });
  });
  const inject: (stream: Duplex) => void = server.injectSocket.bind(server) as never;
  inject(stream);
  return asked;
}

async function run(
  serve: Serve,
  {
    command = ["true"],
    tty = false,
    input = "",
    hostKey = KEY.public,
    forwards = [] as RemoteForward[],
  } = {},
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
  const options = { command, tty, env: { LANG: "C" }, forwards };
  const status = await runRemote(near as TunnelStream, hostKey, options, ends);
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
  expect(outcome.asked).toEqual({ command: "tr a-z A-Z", env: { LANG: "C" }, listens: [] });
});

test("a terminal is asked for by the name of this one", async () => {
  const { asked } = await run(exitWith(0), { command: [], tty: true });
  expect(asked.term).toBe(process.env["TERM"] ?? "xterm-256color");
});

test("another host key than the deployment's is refused", async () => {
  const other = makeHostKey().public;
  await expect(run(exitWith(0), { hostKey: other })).rejects.toThrow("the workspace's ssh server");
});

describe("a port of the workspace", () => {
  /** Somebody in the workspace connects to the port, says what they have to say, and the command's output is the answer. */
  const visit =
    (port: number, say: string): Serve =>
    (channel, client) =>
      client.forwardOut("127.0.0.1", port, "127.0.0.1", 5, (error, visitor) => {
        if (error !== undefined) return void channel.end(`refused: ${error.message}`);
        visitor.write(say);
        visitor.eof();
        void text(visitor).then((answer) => channel.end(answer));
      });

  async function serverHere(serve: (socket: Socket) => void) {
    const server = createServer({ allowHalfOpen: true }, serve);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const to = { host: "localhost", port: (server.address() as AddressInfo).port };
    return {
      forward: (port: number) => ({ port, to }),
      [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
    };
  }

  test("leads to an address here, and who has said all is still answered", async () => {
    const long = "hello ".repeat(200_000);
    await using shout = await serverHere((socket) => {
      void text(socket).then((heard) => socket.end(heard.toUpperCase()));
    });
    await using whisper = await serverHere((socket) => socket.end("pst"));
    const forwards = [whisper.forward(8080), shout.forward(8081)];
    const outcome = await run(visit(8081, long), { forwards });
    expect(outcome.asked.listens).toEqual(["127.0.0.1:8080", "127.0.0.1:8081"]);
    expect(outcome.stdout).toBe(long.toUpperCase());
    expect((await run(visit(8080, ""), { forwards })).stdout).toBe("pst");
  });

  test("is refused to whoever connects while nobody listens here", async () => {
    const gone = await serverHere(() => undefined);
    await gone[Symbol.asyncDispose]();
    expect((await run(visit(8080, ""), { forwards: [gone.forward(8080)] })).stdout).toMatch(/^refused: /);
  });

  test("that somebody holds already is an error that says so, and nothing is run", async () => {
    const served = { count: 0 };
    const count = () => void (served.count += 1);
    await expect(run(count, { forwards: [parseRemoteForward(`${TAKEN}:localhost:80`)] })).rejects.toThrow(
      "port 99 of the workspace cannot be listened on: does a program there hold it? Give another",
    );
    expect(served.count).toBe(0);
  });

  test.each([
    ["8080:localhost:3000", { port: 8080, to: { host: "localhost", port: 3000 } }],
    ["1:[::1]:65535", { port: 1, to: { host: "::1", port: 65_535 } }],
  ])("is read from %s", (written, meant) => {
    expect(parseRemoteForward(written)).toEqual(meant);
  });

  test.each(["8080", "8080:3000", "a:localhost:1", "0:localhost:1", "1:localhost:65536", "1::2"])(
    "is not read from %s",
    (written) => {
      expect(() => parseRemoteForward(written)).toThrow(
        `"${written}" is no remote forwarding: write <port there>:<address>:<port>, such as 8080:localhost:3000`,
      );
    },
  );
});
