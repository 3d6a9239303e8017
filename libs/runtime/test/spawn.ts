import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Scope } from "@berth/std";

/** A real child process, its lines, and how it ended. */
export interface Child {
  readonly pid: number;
  readonly events: readonly string[];
  readonly stderr: () => string;
  /** Resolves with the first event that matches, past or future. */
  event(matching: RegExp): Promise<string>;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Starts a program of this folder; it is killed with the scope, and its data folder removed. */
export function spawnProgram(
  scope: Scope,
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Child {
  const folder = mkdtempSync(join(tmpdir(), "berth-runtime-"));
  const child = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), ...args], {
    env: {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: join(tmpdir(), "berth-compile-cache"), // two thirds of a child's start is compiling
      CODER_CONFIG_DIR: folder,
      CODER_HTTP_ADDRESS: "127.0.0.1:0",
      CODER_DRAIN_LAME_DUCK: "0",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const watched = watch(child);
  scope.add("child", async () => {
    child.kill("SIGKILL");
    await watched.ended;
    rmSync(folder, { recursive: true, force: true });
  });
  return watched;
}

function watch(child: ChildProcess): Child {
  const events: string[] = [];
  const waiting: { matching: RegExp; resolve: (event: string) => void }[] = [];
  let [rest, stderr] = ["", ""];
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout?.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      events.push(line);
      for (const { matching, resolve } of waiting) if (matching.test(line)) resolve(line);
    }
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal })),
  );
  return {
    pid: child.pid ?? 0,
    events,
    stderr: () => stderr,
    event(matching) {
      const past = events.find((event) => matching.test(event));
      const coming = new Promise<string>((resolve) => waiting.push({ matching, resolve }));
      const never = ended.then(({ code }) => {
        throw new Error(
          `the process ended with ${code} before ${matching}: ${events.join(" | ")}\n${stderr}`,
        );
      });
      return past === undefined ? Promise.race([coming, never]) : Promise.resolve(past);
    },
    signal: (name) => child.kill(name),
    ended,
  };
}
