import type { Readable, Writable } from "node:stream";
import ssh2, { type Client, type ClientChannel, type ParsedKey } from "ssh2";
import { environment } from "@berth/config";
import { CodedError } from "@berth/std";
import type { TunnelStream } from "@berth/tunnel";
import { codeOfSignal } from "../exit-code.ts";
import { forwardRemote, type RemoteForward } from "./remote-forward.ts";

// OpenSSH's other ciphers need ssh2's native part, which does not run on Node 24.
const CIPHERS = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr"] as const;

/** Three seconds each way between the plane and either end make round trips of 12 s, and the handshake takes five. */
const READY_MS = 180_000;

/** The connection was lost, or the far end did not say how it ended. */
const LOST = 255;

/** What to run: a shell, or a command; with or without a terminal at the far end. */
export interface RemoteOptions {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly forwards: readonly RemoteForward[];
}

/** This side's ends: those of the process, and in tests others. */
export interface LocalEnds {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  readonly stdout: Writable & { readonly columns?: number; readonly rows?: number };
  readonly stderr: Writable;
}

/** A channel, and how it ends. */
interface Opened {
  readonly channel: ClientChannel;
  readonly status: Promise<number>;
}

/**
 * Runs a shell or a command in the workspace with this process's stdin, stdout and stderr.
 * @returns the remote exit status, 128 and the signal's number when a signal ended it; 255 when the connection was lost.
 */
export async function runRemote(
  stream: TunnelStream,
  hostKey: string,
  options: RemoteOptions,
  ends: LocalEnds = process,
): Promise<number> {
  const client = await connect(stream, hostKey);
  try {
    await forwardRemote(client, options.forwards);
    return await attach(await open(client, options, ends), options.tty, ends);
  } finally {
    client.end();
  }
}

function connect(stream: TunnelStream, hostKey: string): Promise<Client> {
  const expected = publicKeyOf(hostKey);
  const client = new ssh2.Client();
  return new Promise((resolve, reject) => {
    client.once("ready", () => resolve(client));
    client.once("error", (cause) =>
      reject(new CodedError("unavailable", `the workspace's ssh server: ${cause.message}`, { cause })),
    );
    client.connect({
      sock: stream,
      username: "coder",
      authHandler: ["none"],
      hostVerifier: (key: Buffer) => key.equals(expected),
      algorithms: { cipher: [...CIPHERS] },
      readyTimeout: READY_MS,
    });
  });
}

function publicKeyOf(line: string): Buffer {
  const parsed: ParsedKey | Error = ssh2.utils.parseKey(line);
  if (parsed instanceof Error)
    throw new CodedError("data_loss", "the deployment gave no host key for the agent", { cause: parsed });
  return parsed.getPublicSSH();
}

/** Some terminals say 0 of what they do not know. */
const windowSize = ({ stdout: { columns = 0, rows = 0 } }: LocalEnds) => ({
  cols: columns > 0 ? columns : 80,
  rows: rows > 0 ? rows : 24,
});

function open(client: Client, { command, tty, env }: RemoteOptions, ends: LocalEnds): Promise<Opened> {
  const term = env["TERM"] ?? environment()["TERM"] ?? "xterm-256color";
  const pty = { term, width: 0, height: 0, ...windowSize(ends) };
  return new Promise((resolve, reject) => {
    const opened = (error: Error | undefined, channel: ClientChannel) => {
      // listened to at once: the exit of a short command comes in the same bytes as the channel
      if (error === undefined) resolve({ channel, status: statusOf(channel, client) });
      else reject(error);
    };
    if (command.length === 0) client.shell(tty ? pty : false, { env: { ...env } }, opened);
    else client.exec(command.join(" "), { env: { ...env }, ...(tty ? { pty } : {}) }, opened);
  });
}

/** How the remote side has ended, once it has closed. */
function statusOf(channel: ClientChannel, client: Client): Promise<number> {
  return new Promise((resolve) => {
    const ended = { status: LOST };
    channel.on("exit", (code: number | null, signal?: string) => {
      ended.status = code ?? (signal === undefined ? LOST : codeOfSignal(`SIG${signal.replace(/^SIG/, "")}`));
    });
    channel.on("close", () => resolve(ended.status));
    client.on("close", () => resolve(ended.status));
  });
}

/** Joins the channel to this process's terminal until it closes. */
async function attach({ channel, status }: Opened, tty: boolean, ends: LocalEnds): Promise<number> {
  const { stdin, stdout, stderr } = ends;
  const raw = tty && stdin.isTTY === true;
  const resize = () => {
    const { rows, cols } = windowSize(ends);
    channel.setWindow(rows, cols, 0, 0);
  };
  if (raw) stdin.setRawMode?.(true);
  stdout.on("resize", resize);
  stdin.on("error", () => channel.end()); // a terminal that was closed
  stdin.pipe(channel);
  channel.pipe(stdout, { end: false });
  channel.stderr.pipe(stderr, { end: false });
  try {
    return await status;
  } finally {
    stdin.unpipe(channel);
    stdout.off("resize", resize);
    if (raw) stdin.setRawMode?.(false);
    stdin.destroy();
  }
}
