import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import nodePty from "@lydell/node-pty";
import { expect, test } from "vitest";
import { noOpenSsh, OpenSsh } from "./open-ssh.ts";

const HOST = "127.0.0.1";

/** OpenSSH's client on a terminal of ours, as a person has it. */
class Terminal implements Disposable {
  readonly #pty: nodePty.IPty;
  readonly exited: Promise<number>;
  #shown = "";
  #wake: () => void = () => undefined;

  constructor(host: OpenSsh, args: readonly string[], cols = 80, rows = 24) {
    this.#pty = nodePty.spawn("ssh", host.sshArguments(...args), { cols, rows });
    this.#pty.onData((text) => {
      this.#shown += text;
      this.#wake();
    });
    this.exited = new Promise((resolve) => this.#pty.onExit(({ exitCode }) => resolve(exitCode)));
  }

  get shown(): string {
    return this.#shown;
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  resize(cols: number, rows: number): void {
    this.#pty.resize(cols, rows);
  }

  /** Resolves when the terminal has shown it. */
  async shows(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#shown)) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  [Symbol.dispose](): void {
    this.#pty.kill("SIGKILL");
  }
}

test.skipIf(noOpenSsh)("a terminal has the client's size, and follows it", async () => {
  await using host = await OpenSsh.start();
  using terminal = new Terminal(host, ["-tt", HOST], 91, 33);
  terminal.type("stty size\r");
  await terminal.shows(/33 91/);
  terminal.resize(120, 40);
  terminal.type("trap 'stty size' WINCH; sleep 0.1; stty size\r");
  await terminal.shows(/40 120/);
  terminal.type("exit 7\r");
  expect(await terminal.exited).toBe(7);
});

test.skipIf(noOpenSsh)("a terminal whose client has none is as large as terminals are", async () => {
  await using host = await OpenSsh.start();
  const { stdout } = await host.ssh(["-tt", HOST, "stty size"]);
  expect(stdout.toString()).toBe("24 80\r\n");
});

test.skipIf(noOpenSsh)("a login shell greets, takes UTF-8, and interrupts what runs in front", async () => {
  await using folder = await OpenSsh.start();
  const motd = join(folder.folder, "motd");
  await writeFile(motd, "welcome\nhere\n");
  await using host = await OpenSsh.start({ motdFile: () => motd, shell: "/bin/bash" });
  using terminal = new Terminal(host, ["-tt", HOST]);
  await terminal.shows(/welcome\r\nhere\r\n/);
  terminal.type("echo $0 héllo-$((40+2)); shopt -q login_shell && echo is-$((1))-login\r");
  await terminal.shows(/héllo-42/);
  await terminal.shows(/is-1-login/);
  terminal.type("sh -c 'echo runs-$((3+4)); exec sleep 1000'\r");
  await terminal.shows(/runs-7/); // what was typed is shown before it is in front
  terminal.type("\x03");
  terminal.type("echo after-$((1+1))\r");
  await terminal.shows(/after-2/);
  terminal.type("exit\r");
  await terminal.exited;
});

test.skipIf(noOpenSsh)("a command on a terminal gives all its output and its exit code", async () => {
  await using host = await OpenSsh.start();
  const result = await host.ssh(["-tt", HOST, "seq 1 200000; exit 9"]);
  expect(result.code).toBe(9);
  const lines = result.stdout.toString().trim().split("\r\n");
  expect([lines.length, lines.at(-1)]).toEqual([200_000, "200000"]);
});

test.skipIf(noOpenSsh)("typing more than a program reads holds up nobody else", async () => {
  await using host = await OpenSsh.start();
  const stuck = spawn("ssh", host.sshArguments("-tt", HOST, "stty raw -echo; echo ready; sleep 1000"));
  stuck.stdin.on("error", () => undefined); // it is killed before it has read all
  await once(stuck.stdout, "data");
  stuck.stdin.write("x".repeat(4 * 1024 * 1024));
  for (let round = 0; round < 3; round += 1)
    expect((await host.ssh([HOST, "echo free"])).stdout.toString()).toBe("free\n");
  stuck.kill("SIGKILL");
});

test.skipIf(noOpenSsh)(
  "the end of a terminal's output is not lost on a client that reads slowly",
  async () => {
    await using host = await OpenSsh.start();
    const slow = spawn("ssh", host.sshArguments("-tt", HOST, "seq 1 600000"), {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(slow.stdout, "readable");
    await host.ssh([HOST, "sleep 0.5"]); // the slow one's buffers are full by now, and nothing moves
    const shown = (await buffer(slow.stdout)).toString().trim().split("\r\n");
    expect([shown.length, shown.at(-1)]).toEqual([600_000, "600000"]);
  },
);
