import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { exitOf, type ProcessExit } from "../processes/process-exit.ts";
import { openPty } from "../processes/pty.ts";
import type { Workplace } from "../processes/workplace.ts";

/** What a client wants to run; without a command, its login shell. */
export interface CommandRequest {
  readonly command?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly terminal?: TerminalSize & { readonly term: string };
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A process that leads a group of its own, and its three ends. On a terminal there is one output. */
export interface StartedCommand {
  /** None when it could not be started: `exited` says why. */
  readonly pid: number | undefined;
  readonly input: Writable;
  readonly stdout: Readable;
  readonly stderr?: Readable;
  readonly exited: Promise<ProcessExit>;
  resize(size: TerminalSize): void;
  /** Takes away what joins it to the client. */
  hangUp(): void;
}

export function startCommand(workplace: Workplace, request: CommandRequest): StartedCommand {
  return request.terminal === undefined
    ? startPlain(workplace, request)
    : startOnTerminal(workplace, request, request.terminal);
}

function startPlain(workplace: Workplace, request: CommandRequest): StartedCommand {
  const child = spawn(workplace.shell, shellArguments(request), {
    cwd: workplace.folder(),
    env: environmentOf(workplace, request),
    detached: true, // leads a group: signals reach what it starts, too
    stdio: ["pipe", "pipe", "pipe"],
  });
  return {
    pid: child.pid,
    input: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited: exitOfChild(child),
    resize: () => undefined,
    hangUp: () => child.stdin.destroy(),
  };
}

function startOnTerminal(
  workplace: Workplace,
  request: CommandRequest,
  terminal: TerminalSize & { readonly term: string },
): StartedCommand {
  const pty = openPty({
    file: workplace.shell,
    args: shellArguments(request),
    folder: workplace.folder(),
    environment: environmentOf(workplace, request),
    ...terminal,
  });
  return {
    pid: pty.pid,
    input: pty.input,
    stdout: pty.output,
    exited: pty.exited,
    resize: ({ columns, rows }) => pty.resize(columns, rows),
    hangUp: () => pty.hangUp(),
  };
}

async function exitOfChild(child: ChildProcess): Promise<ProcessExit> {
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return exitOf(code, signal);
}

const shellArguments = ({ command }: CommandRequest): string[] =>
  command === undefined ? ["-l"] : ["-c", command];

const environmentOf = (workplace: Workplace, request: CommandRequest): Record<string, string> => ({
  ...workplace.environment(),
  ...request.environment,
});
