import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { CodedError, messageOf, type Secret } from "@berth/std";

/** libpq's modes: from none, over "when the server can", to a checked name. */
export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

/** Files of a TLS connection; read anew at each connect, so rotated ones are picked up. */
export interface TlsFiles {
  readonly mode: SslMode;
  readonly rootCertificate?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** Where a database is and how to get in. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly tls: TlsFiles;
  /** Asked at each connect, so a rotated file is picked up. */
  readonly password: () => Promise<string>;
  /** Run-time parameters from the URL. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The variable that named it, for messages. */
  readonly variable: string;
}

/** What is wrong with an address, and what to write instead. */
export class AddressError extends CodedError {
  override readonly name = "AddressError";
  readonly variable: string;
  readonly mend: string;

  constructor(variable: string, what: string, mend: string) {
    super("invalid_argument", `${variable}: ${what}. ${mend}`);
    this.variable = variable;
    this.mend = mend;
  }
}

const MODES: readonly string[] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
/** Parameters that other drivers know and ours needs not. */
const IGNORED = new Set(["connect_timeout", "target_session_attrs", "pool_max_conns", "client_encoding"]);

/**
 * Reads a connection URL. `passwordFile` stands in for the password in it.
 * @throws AddressError
 */
export function parseAddress(text: Secret, variable: string, passwordFile?: string): DatabaseAddress {
  const url = URL.parse(text.reveal());
  const mend = "Expected postgres://user:password@host:5432/database?sslmode=disable";
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    const why = /[#?@/].*@/.test(text.reveal())
      ? " (a password with / ? # or @ in it has to be percent-encoded)"
      : "";
    throw new AddressError(variable, `it is not a Postgres URL${why}`, mend);
  }
  const query = Object.fromEntries(url.searchParams);
  const { sslmode = "prefer", sslrootcert, sslcert, sslkey, host: socketFolder, ...others } = query;
  if (!isSslMode(sslmode))
    throw new AddressError(variable, `sslmode=${sslmode} is not known`, `One of ${MODES.join(", ")}`);
  const host = decodeURIComponent(url.hostname).replace(/^\[|\]$/g, "") || (socketFolder ?? "");
  if (host === "") throw new AddressError(variable, "it names no host", mend);
  const user = decodeURIComponent(url.username) || userInfo().username;
  const password = passwordOf(decodeURIComponent(url.password), variable, passwordFile);
  return {
    host,
    port: Number(url.port || 5432),
    database: decodeURIComponent(url.pathname.slice(1)) || user,
    user,
    tls: tlsFiles(sslmode, sslrootcert, sslcert, sslkey),
    password,
    parameters: Object.fromEntries(Object.entries(others).filter(([name]) => !IGNORED.has(name))),
    variable,
  };
}

/** The files of a TLS mode, leaving out what is not given. */
export function tlsFiles(mode: SslMode, root?: string, certificate?: string, key?: string): TlsFiles {
  return {
    mode,
    ...(root === undefined || root === "system" ? {} : { rootCertificate: root }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
  };
}

/** Whether the word is one of libpq's modes. */
export function isSslMode(word: string): word is SslMode {
  return MODES.includes(word);
}

/**
 * A password that is asked for at each connect.
 * @throws AddressError when there is white space at its ends: a newline there is never meant.
 */
export function passwordOf(given: string, variable: string, file?: string): () => Promise<string> {
  if (file !== undefined) return () => readPassword(file, variable);
  assertTrimmed(given, variable);
  return () => Promise.resolve(given);
}

async function readPassword(file: string, variable: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new AddressError(
      variable,
      `the password file ${file} cannot be read (${messageOf(cause)})`,
      "Make it readable",
    );
  });
  assertTrimmed(text, `${variable} (the file ${file})`);
  return text;
}

function assertTrimmed(password: string, variable: string): void {
  if (password === password.trim()) return;
  throw new AddressError(
    variable,
    "the password has white space at its beginning or end (often a newline)",
    "Write it without, as `printf %s` does",
  );
}
