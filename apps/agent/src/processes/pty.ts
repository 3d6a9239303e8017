import { write } from "node:fs";
import { Readable, Writable } from "node:stream";
import type { ReadStream } from "node:tty";
import { deferred } from "@berth/std";
import nodePty from "@lydell/node-pty";
import { exitOf, type ProcessExit } from "./process-exit.ts";

// What node-pty leaves to be done here (1.1.0, its unixTerminal.js):
//   P1  200 ms after the process's exit it destroys the terminal, whatever has not been read yet: with a slow client the end
//       of the output would be lost. So destroying waits until the terminal is quiet.
//   P2  It writes through a libuv tty, which blocks the whole process while nobody reads the terminal. So bytes are written to
//       the descriptor, which does not block, and again a little later when it is full.
//   P3  Without an encoding it does not set IUTF8, and with one it decodes. So it is told utf8, and read as latin1.

/** A process on a terminal of its own, as the leader of its session. */
export interface Pty {
  readonly pid: number;
  /** What the terminal shows, to the last byte. */
  readonly output: Readable;
  readonly input: Writable;
  resize(columns: number, rows: number): void;
  /** Settles after the output has ended. */
  readonly exited: Promise<ProcessExit>;
  /** Takes the terminal away, as pulling out its cable would: the processes on it get SIGHUP. */
  hangUp(): void;
}

export interface PtyOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly term: string;
  readonly columns: number;
  readonly rows: number;
}

/** The parts of node-pty's terminal that its types leave out. */
interface Terminal {
  readonly fd: number;
  readonly _socket: ReadStream;
}

/** Of a client that has no terminal itself and asks for one (`ssh -tt` in a script). */
const UNKNOWN_COLUMNS = 80;
const UNKNOWN_ROWS = 24;

const QUIET_MS = 200;
/** A background process may go on writing for ever: its terminal is not kept for it. */
const QUIET_TRIES = 10;
const FULL_RETRY_MS = 5;

/** Starts a program on a new terminal. */
export function openPty(options: PtyOptions): Pty {
  const terminal = nodePty.spawn(options.file, [...options.args], {
    name: options.term,
    cols: options.columns > 0 ? options.columns : UNKNOWN_COLUMNS,
    rows: options.rows > 0 ? options.rows : UNKNOWN_ROWS,
    cwd: options.folder,
    env: { ...options.environment },
  });
  const { fd, _socket: socket } = terminal as unknown as Terminal;
  socket.setEncoding("latin1"); // P3
  const destroy = socket.destroy.bind(socket);
  const output = outputOf(terminal, socket);
  lingerOnExit(socket, output);
  const exited = deferred<ProcessExit>();
  let open = true;
  terminal.onExit(({ exitCode, signal }) => {
    open = false;
    output.push(null);
    exited.resolve(exitOf(exitCode, signal === 0 ? undefined : signal));
  });
  return {
    pid: terminal.pid,
    output,
    input: inputOf(() => (open && !socket.destroyed ? fd : undefined)),
    resize: (columns, rows) => {
      if (open && columns > 0 && rows > 0) terminal.resize(columns, rows);
    },
    exited: exited.promise,
    hangUp: () => void destroy(),
  };
}

function outputOf(terminal: nodePty.IPty, socket: ReadStream): Readable {
  const output = new Readable({ read: () => void socket.resume() });
  terminal.onData((text) => {
    if (!output.push(Buffer.from(text, "latin1"))) socket.pause();
  });
  return output;
}

/** P1: replaces the socket's `destroy`, which node-pty calls 200 ms after the exit. */
function lingerOnExit(socket: ReadStream, output: Readable): void {
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error) => {
    let seen = socket.bytesRead;
    let tries = 0;
    const look = setInterval(() => {
      const paused = socket.isPaused() && !output.destroyed;
      const quiet = socket.bytesRead === seen && !paused;
      seen = socket.bytesRead;
      if (!paused) tries += 1;
      if (!quiet && tries < QUIET_TRIES && !socket.destroyed) return;
      clearInterval(look);
      destroy(error);
    }, QUIET_MS / 4);
    return socket;
  };
}

/** P2. */
function inputOf(descriptor: () => number | undefined): Writable {
  const writeAll = (bytes: Buffer, done: (error?: Error | null) => void): void => {
    const fd = descriptor();
    if (fd === undefined || bytes.length === 0) return done(); // typed into a terminal that has gone
    write(fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error === null) return writeAll(bytes.subarray(written), done);
      if (error.code !== "EAGAIN") return done();
      setTimeout(writeAll, FULL_RETRY_MS, bytes, done);
    });
  };
  return new Writable({ write: (chunk: Buffer, _encoding, done) => writeAll(chunk, done) });
}
