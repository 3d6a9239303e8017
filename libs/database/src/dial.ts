import { readFile } from "node:fs/promises";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type ConnectionOptions } from "node:tls";
import { messageOf } from "@berth/std";
import type { DatabaseAddress, TlsFiles } from "./address.ts";
import { DatabaseError } from "./database-error.ts";

/** SSLRequest: length 8, code 80877103. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * Opens the byte stream that a driver then speaks on: TCP or a Unix socket, with TLS as the mode says.
 * @throws DatabaseError naming host and port, after `deadlineMs` at the latest; ConfigError for a password that cannot be.
 */
export async function dial(address: DatabaseAddress, deadlineMs: number): Promise<Socket> {
  const { host, port } = address;
  await address.password.refresh();
  const socket = host.startsWith("/")
    ? connectTcp({ path: `${host}/.s.PGSQL.${port}` })
    : connectTcp({ host, port, noDelay: true });
  const timer = setTimeout(
    () => socket.destroy(new Error(`no answer within ${deadlineMs / 1000} s`)),
    deadlineMs,
  );
  try {
    await once(socket, "connect");
    return host.startsWith("/") ? socket : await secure(socket, address);
  } catch (cause) {
    socket.destroy();
    throw new DatabaseError(`Postgres at ${host}:${port} cannot be reached: ${reason(cause)}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** What went wrong in a word: Node leaves the message of a failed dual-stack connect empty. */
function reason(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === "")
    return thrown.errors.map(messageOf).join(", ");
  return messageOf(thrown);
}

async function secure(socket: Socket, address: DatabaseAddress): Promise<Socket> {
  const { mode } = address.tls;
  if (mode === "disable" || mode === "allow") return socket;
  socket.write(SSL_REQUEST);
  const answer = await firstBytes(socket);
  // More than one byte would be a man in the middle's plain text, taken later as if it were encrypted.
  if (answer.length !== 1) throw new Error("the server says more than it was asked before TLS");
  if (answer.toString() !== "S") {
    if (mode === "prefer") return socket;
    throw new Error(`it does not speak TLS, which sslmode=${mode} demands`);
  }
  const secured = connectTls({ socket, ...(await tlsOptions(address.tls, address.host)) });
  await once(secured, "secureConnect");
  return secured;
}

async function tlsOptions(files: TlsFiles, host: string): Promise<ConnectionOptions> {
  const ca = await contentOf(files.rootCertificate);
  const cert = await contentOf(files.certificate);
  const key = await contentOf(files.key);
  // libpq: `require` with a root certificate checks the chain as `verify-ca` does
  const checked = files.mode.startsWith("verify") || (files.mode === "require" && ca !== undefined);
  return {
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: checked,
    checkServerIdentity:
      files.mode === "verify-full" ? (_, peer) => checkServerIdentity(host, peer) : () => undefined,
  };
}

async function contentOf(path: string | undefined): Promise<Buffer | undefined> {
  return path === undefined ? undefined : readFile(path);
}

function firstBytes(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("it closed the connection before TLS")));
    socket.once("data", resolve);
  });
}

function once(socket: Socket, event: "connect" | "secureConnect"): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("it closed the connection")));
    socket.once(event, () => resolve());
  });
}
