import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { LONGEST_TIMER_MS, messageOf } from "@berth/std";
import { type agent, msFromDuration } from "@berth/contract";
import { expandPath } from "../processes/expand.ts";
import { exitCodeOf, exitOf } from "../processes/process-exit.ts";
import { signalGroup } from "../processes/process-groups.ts";
import type { Workplace } from "../processes/workplace.ts";
import { within } from "../within.ts";
import { Lines } from "./lines.ts";
import type { LogLevel } from "./log-batches.ts";

/** How a script went. */
export interface ScriptOutcome {
  readonly exitCode: number;
  readonly timedOut: boolean;
  readonly startedAt: Date;
  readonly endedAt: Date;
}

export interface ScriptHost {
  readonly workplace: Workplace;
  /** Where log files with relative paths go. */
  readonly logFolder: string;
  /** Where scripts keep what they make: CODER_SCRIPT_DATA_DIR is a folder of it, CODER_SCRIPT_BIN_DIR is on the PATH. */
  readonly dataFolder: string;
  readonly line: (source: string, level: LogLevel, text: string) => void;
  /** Resolves when there is room for more lines. */
  readonly ready: () => Promise<void>;
}

const NOT_STARTED = 126;
/** A script that has been told to end and does not is ended. */
const KILL_AFTER_MS = 5_000;
/** A background process may keep the output open for ever; what is in it by then is the script's. */
const DRAIN_MS = 1_000;

/** Runs a script to its end, or to its timeout. It never throws: what goes wrong is in its log and its exit code. */
export async function runScript(script: agent.AgentScript, host: ScriptHost): Promise<ScriptOutcome> {
  const startedAt = new Date();
  const say = (level: LogLevel, text: string) => host.line(script.logSourceId, level, text);
  try {
    await using file = await openLogFile(script, host);
    const done = await runToEnd(script, host, file.stream, say);
    if (done.timedOut) say("error", "the script has taken too long and was ended");
    return { ...done, startedAt, endedAt: new Date() };
  } catch (error) {
    say("error", `the script could not be run: ${messageOf(error)}`);
    return { exitCode: NOT_STARTED, timedOut: false, startedAt, endedAt: new Date() };
  }
}

type Say = (level: LogLevel, text: string) => void;

async function runToEnd(
  script: agent.AgentScript,
  host: ScriptHost,
  file: WriteStream,
  say: Say,
): Promise<{ exitCode: number; timedOut: boolean }> {
  const { processes } = host.workplace;
  const child = await start(script, host);
  const output = Promise.all([
    copy(child.stdout, host, file, (text) => say("info", text)),
    copy(child.stderr, host, file, (text) => say("error", text)),
  ]);
  output.catch(() => undefined); // a broken pipe after the exit concerns nobody
  let timedOut = false;
  const { pid } = child;
  if (pid !== undefined) processes.started(pid);
  const timeout = limit(script, () => {
    timedOut = true;
    if (pid !== undefined) endGroup(pid, child);
  });
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    await within(DRAIN_MS, output);
    return { exitCode: exitCodeOf(exitOf(code, signal)), timedOut };
  } finally {
    clearTimeout(timeout);
    if (pid !== undefined) processes.ended(pid);
  }
}

async function start(
  script: agent.AgentScript,
  host: ScriptHost,
): Promise<ChildProcess & { stdout: Readable; stderr: Readable }> {
  const data = join(host.dataFolder, script.logSourceId);
  await mkdir(data, { recursive: true });
  const [file, args] = await invocationOf(script, data, host.workplace.shell);
  return spawn(file, args, {
    cwd: host.workplace.folder(),
    env: { ...host.workplace.environment(), CODER_SCRIPT_DATA_DIR: data },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** A script that names its interpreter in its first line is given to it as a file, the others to the user's shell. */
async function invocationOf(
  script: agent.AgentScript,
  data: string,
  shell: string,
): Promise<[file: string, args: string[]]> {
  const [interpreter, ...options] = interpreterOf(script.source);
  if (interpreter === undefined) return [shell, ["-c", script.source]];
  const path = join(data, `script-${script.id}`);
  await writeFile(path, script.source, { mode: 0o700 });
  return [interpreter, [...options, path]]; // not run itself: temp folders are often mounted without the right to
}

/** The words after `#!`. */
function interpreterOf(source: string): string[] {
  const [, words = ""] = /^#!\s*(\S.*?)\s*$/.exec(source.split("\n", 1)[0] ?? "") ?? [];
  return words.split(/\s+/).filter((word) => word !== "");
}

function limit(script: agent.AgentScript, over: () => void): NodeJS.Timeout | undefined {
  const ms = script.timeout === undefined ? 0 : msFromDuration(script.timeout);
  return ms > 0 ? setTimeout(over, Math.min(ms, LONGEST_TIMER_MS)) : undefined;
}

function endGroup(pid: number, child: ChildProcess): void {
  signalGroup(pid, "SIGTERM");
  const kill = setTimeout(() => signalGroup(pid, "SIGKILL"), KILL_AFTER_MS);
  child.once("exit", () => clearTimeout(kill));
}

async function copy(
  output: Readable,
  host: ScriptHost,
  file: WriteStream,
  line: (text: string) => void,
): Promise<void> {
  const lines = new Lines();
  for await (const chunk of output as AsyncIterable<Buffer>) {
    if (!file.closed) file.write(chunk);
    for (const text of lines.add(chunk)) line(text);
    await host.ready();
  }
  for (const text of lines.end()) line(text);
}

async function openLogFile(
  script: agent.AgentScript,
  { workplace, logFolder }: ScriptHost,
): Promise<AsyncDisposable & { readonly stream: WriteStream }> {
  const path = expandPath(script.logPath === "" ? `coder-script-${script.logSourceId}.log` : script.logPath, {
    home: workplace.home,
    base: logFolder,
    variables: workplace.environment(),
  });
  await mkdir(dirname(path), { recursive: true });
  const stream = createWriteStream(path, { flags: "a", mode: 0o600 });
  await once(stream, "open");
  stream.on("error", () => undefined); // a full disk does not stop the script: its log goes to the plane too
  return {
    stream,
    [Symbol.asyncDispose]: () => new Promise((resolve) => stream.end(() => resolve())),
  };
}
