import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { connect, createServer } from "node:net";
import { Scope } from "@berth/std";
import { FaultyProxy } from "@berth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readMetric } from "../src/metrics.ts";
import { type SingleNode, startSingleNode } from "../src/single-node.ts";
import { endpointOf, freePort, listen } from "../src/tcp.ts";
import { TextStream } from "../src/text-stream.ts";

/** `npm run chaos` takes what is promised: 3 s each way, and ten minutes. */
const EACH_WAY_MS = Number(process.env["BERTH_LATENCY_MS"] ?? 400);
const MINUTES = Number(process.env["BERTH_LATENCY_MINUTES"] ?? 0);
const LASTING_MS = MINUTES * 60_000;
/** Around sixty round trips of a tunnel, each over both ways to the plane. */
const PATIENCE_MS = 120_000 + 240 * EACH_WAY_MS + LASTING_MS;

describe(`P11: ${EACH_WAY_MS} ms each way between users, workspaces and the plane break nothing`, () => {
  const scope = new Scope();
  let node: SingleNode;
  let metricsUrl: string;
  let forwardedPort: number;
  let shell: ChildProcessWithoutNullStreams;
  let screen: TextStream;

  beforeAll(async () => {
    const way = scope.use("way", await FaultyProxy.start({ host: "127.0.0.1", port: 1 }));
    way.slow(EACH_WAY_MS);
    const metrics = `127.0.0.1:${await freePort()}`;
    metricsUrl = `http://${metrics}/metrics`;
    node = scope.use(
      "node",
      await startSingleNode(
        {
          CODER_ACCESS_URL: way.through("http://127.0.0.1"),
          CODER_PROMETHEUS_ENABLE: "true",
          CODER_PROMETHEUS_ADDRESS: metrics,
        },
        (address) => way.aim(endpointOf(address)),
      ),
    );
  }, PATIENCE_MS);
  afterAll(() => scope.close(), PATIENCE_MS);

  const admitted = () => readMetric(metricsUrl, "coder_derp_server_accepts_total");

  test(
    "login, and create: the agent connects",
    async () => {
      expect(await node.owner.must("whoami")).toContain("owner");
      await node.owner.must("templates", "init", "--id", "local", "local");
      await node.owner.must("templates", "push", "local", "--directory", "local", "--yes");
      await node.owner.must("create", "dev", "--template", "local", "--yes");
      expect(await node.owner.must("list")).toMatch(/owner\/dev\s+local\s+running\s+true/);
    },
    PATIENCE_MS,
  );

  test(
    "ssh runs a command and ends as it did",
    async () => {
      const outcome = await node.owner.run("ssh", "dev", "--", "echo there; exit 7");
      expect(outcome).toMatchObject({ code: 7, stdout: "there\n" });
    },
    PATIENCE_MS,
  );

  test(
    "OpenSSH, with a forwarded port",
    async () => {
      const greeter = createServer((socket) => socket.end("greetings"));
      scope.add("greeter", () => void greeter.close());
      const target = await listen(greeter);
      forwardedPort = await freePort();
      await node.owner.must("config-ssh", "--yes", "--ssh-config-file", node.owner.sshConfig);
      shell = node.owner.openSsh("ssh", "-L", `${forwardedPort}:127.0.0.1:${target}`, "coder.dev", "sh");
      scope.add("shell", () => void shell.kill());
      screen = new TextStream(shell.stdout);
      shell.stdin.write("echo ready $$\n");
      await screen.until(/ready \d+\n/);
      expect(await greeting(forwardedPort)).toBe("greetings");
    },
    PATIENCE_MS,
  );

  test(
    `nobody connects again${MINUTES === 0 ? "" : `, for ${MINUTES} minutes`}`,
    async () => {
      const before = await admitted();
      const [, pid] = await screen.until(/ready (\d+)\n/);
      const endsAt = performance.now() + LASTING_MS;
      let turn = 0;
      do {
        turn += 1;
        shell.stdin.write(`echo turn ${turn} of $$\n`);
        await screen.until(new RegExp(`turn ${turn} of ${pid}\n`));
      } while (performance.now() < endsAt);
      expect(await greeting(forwardedPort)).toBe("greetings");
      expect(await admitted()).toBe(before);
      expect(node.server.output.match(/"msg":"agent connected"/g)).toHaveLength(1);
    },
    PATIENCE_MS,
  );
});

/** What a server on that port says before it closes. */
async function greeting(port: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  return Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)).toString();
}
