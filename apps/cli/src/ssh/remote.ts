import ssh2, { type Client, type ClientChannel, type ParsedKey } from "ssh2";
import { CodedError } from "@berth/std";
import type { TunnelStream } from "@berth/tunnel";

// OpenSSH's other ciphers need ssh2's native part, which does not run on Node 24.
const CIPHERS = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr"] as const;

/** What to run: a shell, or a command; with or without a terminal at the far end. */
export interface RemoteOptions {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs a shell or a command in the workspace with this process's stdin, stdout and stderr.
 * @returns the remote exit status; 255 when the connection was lost.
 */
export async function runRemote(
  stream: TunnelStream,
  hostKey: string,
  options: RemoteOptions,
): Promise<number> {
  const client = await connect(stream, hostKey);
  try {
    const channel = await open(client, options);
    return await attach(channel, options.tty, client);
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
      readyTimeout: 60_000,
    });
  });
}

function publicKeyOf(line: string): Buffer {
  const parsed: ParsedKey | Error = ssh2.utils.parseKey(line);
  if (parsed instanceof Error)
    throw new CodedError("data_loss", "the deployment gave no host key for the agent", { cause: parsed });
  return parsed.getPublicSSH();
}

const windowSize = () => ({ cols: process.stdout.columns || 80, rows: process.stdout.rows || 24 });

function open(client: Client, { command, tty, env }: RemoteOptions): Promise<ClientChannel> {
  const pty = { term: env["TERM"] ?? "xterm-256color", width: 0, height: 0, ...windowSize() };
  return new Promise((resolve, reject) => {
    const opened = (error: Error | undefined, channel: ClientChannel) => {
      if (error === undefined) resolve(channel);
      else reject(error);
    };
    if (command.length === 0) client.shell(tty ? pty : false, { env: { ...env } }, opened);
    else client.exec(command.join(" "), { env: { ...env }, ...(tty ? { pty } : {}) }, opened);
  });
}

/** Joins the channel to this process's terminal until it closes. */
async function attach(channel: ClientChannel, tty: boolean, client: Client): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const raw = tty && stdin.isTTY;
  const resize = () => {
    const { rows, cols } = windowSize();
    channel.setWindow(rows, cols, 0, 0);
  };
  if (raw) stdin.setRawMode(true);
  stdout.on("resize", resize);
  stdin.pipe(channel);
  channel.pipe(stdout, { end: false });
  channel.stderr.pipe(stderr, { end: false });
  try {
    return await new Promise<number>((resolve) => {
      const ended = { status: 255 };
      channel.on("exit", (code: number | null, signal?: string) => {
        ended.status = code ?? (signal === undefined ? 255 : 128);
      });
      channel.on("close", () => resolve(ended.status));
      client.on("close", () => resolve(ended.status));
    });
  } finally {
    stdin.unpipe(channel);
    stdout.off("resize", resize);
    if (raw) stdin.setRawMode(false);
    stdin.destroy();
  }
}
