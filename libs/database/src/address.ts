import { userInfo } from "node:os";
import type { Secret } from "@berth/std";
import { wrong } from "./mistake.ts";
import { Password } from "./password.ts";

/** libpq's modes: from none, over "when the server can", to a checked name. */
export const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;

/** One of libpq's modes. */
export type SslMode = (typeof SSL_MODES)[number];

/** Files of a TLS connection; read anew at each connect, so rotated ones are picked up. */
export interface TlsFiles {
  readonly mode: SslMode;
  readonly rootCertificate: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

/** Where a database is and how to get in. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: Password;
  readonly tls: TlsFiles;
  /** Run-time parameters from the URL. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The variable that named it, for messages. */
  readonly variable: string;
}

/** Parameters that other drivers know and ours needs not. */
const IGNORED = new Set(["connect_timeout", "target_session_attrs", "pool_max_conns", "client_encoding"]);
const EXAMPLE = "Expected postgres://user:password@host:5432/database?sslmode=disable";

/**
 * Reads a connection URL. Where it came from a `file`, its password is read there at each connect.
 * @throws ConfigError
 */
export function parseAddress(text: Secret, variable: string, file?: string): DatabaseAddress {
  const url = parseUrl(text.reveal(), variable);
  const {
    sslmode,
    sslrootcert,
    sslcert,
    sslkey,
    host: socketFolder,
    ...others
  } = Object.fromEntries(url.searchParams);
  const host = decodeURIComponent(url.hostname).replace(/^\[|\]$/g, "") || (socketFolder ?? "");
  if (host === "") throw wrong(variable, "it names no host", EXAMPLE);
  const user = decodeURIComponent(url.username) || userInfo().username;
  const password = (content: string) => decodeURIComponent(parseUrl(content, variable).password);
  return {
    host,
    port: Number(url.port || 5432),
    database: decodeURIComponent(url.pathname.slice(1)) || user,
    user,
    password:
      file === undefined
        ? Password.fixed(decodeURIComponent(url.password), variable)
        : Password.inFile(file, variable, password),
    tls: {
      mode: sslMode(sslmode ?? "prefer", variable),
      rootCertificate: sslrootcert === "system" ? undefined : sslrootcert,
      certificate: sslcert,
      key: sslkey,
    },
    parameters: Object.fromEntries(Object.entries(others).filter(([name]) => !IGNORED.has(name))),
    variable,
  };
}

function parseUrl(text: string, variable: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^postgres(ql)?:$/.test(url.protocol)) return url;
  const encoded = /^postgres(ql)?:\/\/.*[/?#].*@/.test(text)
    ? " (a / ? # or @ in a password has to be percent-encoded)"
    : "";
  throw wrong(variable, `it is not a Postgres URL${encoded}`, EXAMPLE);
}

function sslMode(word: string, variable: string): SslMode {
  const mode = SSL_MODES.find((one) => one === word);
  if (mode === undefined)
    throw wrong(variable, `sslmode=${word} is not known`, `Use one of ${SSL_MODES.join(", ")}`);
  return mode;
}
