import type { Readable, Writable } from "node:stream";
import { messageOf } from "@berth/std";
import type { ServerChannel } from "ssh2";
import { isSignal, type ProcessExit } from "../processes/process-exit.ts";
import { type ProcessGroups, signalGroup } from "../processes/process-groups.ts";
import type { Workplace } from "../processes/workplace.ts";
import { within } from "../within.ts";
import { ChannelGoneError, ChannelOutput } from "./channel-output.ts";
import {
  type CommandRequest,
  startCommand,
  type StartedCommand,
  type TerminalSize,
} from "./start-command.ts";

/** A command at work, as far as later requests of its client reach it. */
export interface RunningCommand {
  resize(size: TerminalSize): void;
  /** The name as SSH has it, without SIG. */
  signal(name: string): void;
  /** Settles when all is over and the client has been told. */
  readonly done: Promise<void>;
}

/** What a shell answers when it cannot run a thing. */
const NOT_STARTED = 126;

/** A shell that sees its terminal gone before it has handled the signal leaves without telling its jobs. */
const HANG_UP_MS = 500;

/** Runs a command for a client. When the client goes before the command has ended, its process group gets SIGHUP. */
export function runCommand(
  workplace: Workplace,
  channel: ServerChannel,
  request: CommandRequest & { readonly greeting?: Buffer },
  gone: AbortSignal,
): RunningCommand {
  const output = new ChannelOutput(channel, gone);
  const started = startCommand(workplace, request);
  const { pid } = started;
  feed(channel, started.input);
  if (pid !== undefined) watch(started, pid, workplace.processes, gone);
  return {
    resize: (size) => started.resize(size),
    signal: (name) => {
      const signal = `SIG${name}`;
      if (pid !== undefined && isSignal(signal)) signalGroup(pid, signal);
    },
    done: show(started, output, request.greeting)
      .catch(async (error: unknown) => {
        if (error instanceof ChannelGoneError) throw error;
        await output.write("stderr", Buffer.from(`cannot run: ${messageOf(error)}\n`));
        return { code: NOT_STARTED };
      })
      .then((exit) => finish(channel, exit))
      .catch(unlessGone),
  };
}

/** The signal is sent only while the process lives: later its number may be somebody else's. */
function watch(started: StartedCommand, pid: number, processes: ProcessGroups, gone: AbortSignal): void {
  const hangUp = () => {
    signalGroup(pid, "SIGHUP");
    void within(HANG_UP_MS, started.exited).then(() => started.hangUp());
  };
  processes.started(pid);
  if (gone.aborted) hangUp();
  gone.addEventListener("abort", hangUp, { once: true });
  const over = () => {
    gone.removeEventListener("abort", hangUp);
    processes.ended(pid);
  };
  started.exited.then(over, over);
}

async function show(
  started: StartedCommand,
  output: ChannelOutput,
  greeting: Buffer | undefined,
): Promise<ProcessExit> {
  if (greeting !== undefined) await output.write("stdout", greeting);
  const [exit] = await Promise.all([
    started.exited,
    output.copy("stdout", started.stdout),
    started.stderr === undefined ? undefined : output.copy("stderr", started.stderr),
  ]);
  return exit;
}

/** The exit goes before the close, or the client would have to guess it. */
function finish(channel: ServerChannel, exit: ProcessExit): void {
  if ("code" in exit) channel.exit(exit.code);
  else channel.exit(exit.signal.slice("SIG".length), false, "");
  channel.end();
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ChannelGoneError)) throw error;
}

/** Gives the client's input to the process, to its end. What comes after the process has closed its side is dropped. */
function feed(channel: Readable, input: Writable): void {
  input.on("error", () => undefined); // EPIPE: it reads no more
  input.on("close", () => {
    channel.unpipe(input);
    channel.resume();
  });
  channel.pipe(input);
}
