import { spawn } from "node:child_process";
import { once } from "node:events";
import { kill as signal, memoryUsage } from "node:process";
import { expect, test } from "vitest";
import { noOpenSsh, OpenSsh } from "./open-ssh.ts";

const HOST = "127.0.0.1";
const MEBIBYTE = 1024 * 1024;

const lives = (pid: number): boolean => {
  try {
    return signal(pid, 0);
  } catch {
    return false;
  }
};

async function ended(pid: number): Promise<void> {
  while (lives(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Starts what says its process ids as `<1 2>`, and kills ssh without a goodbye. */
async function cutOff(host: OpenSsh, args: readonly string[], input?: Buffer | string): Promise<number[]> {
  const client = spawn("ssh", host.sshArguments(...args));
  client.stdin.on("error", () => undefined); // cut off
  if (input !== undefined) client.stdin.write(input);
  let said = "";
  for await (const chunk of client.stdout as AsyncIterable<Buffer>) {
    said += chunk.toString();
    if (/<[\d ]+>/.test(said)) break;
  }
  client.kill("SIGKILL");
  return (/<([\d ]+)>/.exec(said)?.[1] ?? "").split(" ").map(Number);
}

test.skipIf(noOpenSsh)("a command and what it has started end when the client is cut off", async () => {
  await using host = await OpenSsh.start();
  const pids = await cutOff(host, [HOST, 'sleep 1000 & echo "<$$ $!>"; wait']);
  for (const pid of pids) await ended(pid);
  expect(host.processes.running).toEqual([]);
});

test.skipIf(noOpenSsh)("a command that does not read its input ends all the same", async () => {
  await using host = await OpenSsh.start();
  const pids = await cutOff(host, [HOST, 'echo "<$$>"; exec sleep 1000'], Buffer.alloc(MEBIBYTE));
  for (const pid of pids) await ended(pid);
});

test.skipIf(noOpenSsh)("a shell on a terminal and its jobs end when the client is cut off", async () => {
  await using host = await OpenSsh.start({ shell: "/bin/bash" });
  const pids = await cutOff(host, ["-tt", HOST], 'sleep 1000 & echo "<$$ $!>"\n');
  for (const pid of pids) await ended(pid);
});

test.skipIf(noOpenSsh)("what was made to stay outlives its client", async () => {
  await using host = await OpenSsh.start();
  const { stdout } = await host.ssh([HOST, "nohup sleep 1000 > /dev/null 2>&1 & echo $!"]);
  const pid = Number(stdout.toString());
  expect(lives(pid)).toBe(true);
  signal(pid, "SIGKILL");
});

test.skipIf(noOpenSsh)(
  "a client that does not read holds its command, not the memory of the agent",
  async () => {
    await using host = await OpenSsh.start();
    const before = memoryUsage().rss;
    const slow = spawn("ssh", host.sshArguments(HOST, "cat /dev/zero"), {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(slow.stdout, "readable");
    await host.ssh([HOST, "sleep 1"]); // in which it could have written gigabytes
    expect(memoryUsage().rss - before).toBeLessThan(100 * MEBIBYTE);
    slow.kill("SIGKILL");
  },
);
