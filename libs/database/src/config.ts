import { readFileSync } from "node:fs";
import { choice, count, path, secret, section, text, type Section } from "@berth/config";
import { messageOf, Secret } from "@berth/std";
import { parseAddress, SSL_MODES, type DatabaseAddress, type SslMode } from "./address.ts";
import { wrong } from "./mistake.ts";
import { Password } from "./password.ts";

/** How a process is told of its database: one URL, or its parts. */
export interface DatabaseConfig {
  readonly url: Secret | undefined;
  readonly urlFile: string | undefined;
  readonly directUrl: Secret | undefined;
  readonly host: string | undefined;
  readonly port: number;
  readonly name: string;
  readonly user: string;
  readonly password: Secret | undefined;
  readonly passwordFile: string | undefined;
  readonly sslMode: SslMode;
  readonly maxConnections: number | undefined;
}

/** The options of every process that opens Postgres. */
export const databaseConfig: Section<DatabaseConfig> = section({
  url: secret(
    "CODER_PG_CONNECTION_URL",
    "Postgres: postgres://user:password@host:5432/database?sslmode=verify-full",
    {
      flag: "postgres-url",
    },
  ),
  urlFile: path(
    "CODER_PG_CONNECTION_URL_FILE",
    "A file that holds the URL; its password is read at each connect",
  ),
  directUrl: secret(
    "CODER_PG_DIRECT_URL",
    "Postgres itself, where the URL leads to a pooler in transaction mode",
  ),
  host: text("DB_HOST", "Postgres' host, instead of the URL; a folder means its Unix socket"),
  port: count("DB_PORT", 5432, "Postgres' port"),
  name: text("DB_DATABASE", "berth", "The database's name"),
  user: text("DB_USER", "berth", "The user to log in as"),
  password: secret("DB_PASSWORD", "The user's password"),
  passwordFile: path("DB_PASSWORD_PATH", "A file that holds the password, read at each connect", {
    aliases: ["DB_PASSWORD_FILE"],
  }),
  sslMode: choice("DB_SSLMODE", SSL_MODES, "prefer", "TLS to DB_HOST, as libpq's sslmode"),
  maxConnections: count(
    "CODER_MAX_DB_CONNECTIONS",
    "The most connections of this process; 30 with an api in it, else 4 for a registry, 2 for a relay",
    { aliases: ["CODER_PG_CONN_MAX_OPEN"], min: 2 },
  ),
});

/**
 * Where the configuration leads.
 * @throws ConfigError
 */
export function addressOf(config: DatabaseConfig): DatabaseAddress {
  if (config.url !== undefined || config.urlFile !== undefined) return addressOfUrl(config);
  if (config.host === undefined)
    throw wrong(
      "CODER_PG_CONNECTION_URL",
      "no database is named",
      "Set it to postgres://user:password@host:5432/database, or set DB_HOST and its siblings",
    );
  return {
    ...{ host: config.host, port: config.port, database: config.name, user: config.user },
    password:
      config.passwordFile === undefined
        ? Password.fixed(config.password?.reveal() ?? "", "DB_PASSWORD")
        : Password.inFile(config.passwordFile, "DB_PASSWORD_PATH"),
    tls: { mode: config.sslMode, rootCertificate: undefined, certificate: undefined, key: undefined },
    parameters: {},
    variable: "DB_HOST",
  };
}

/** The address for LISTEN behind a pooler, if one is named. @throws ConfigError */
export function directAddressOf({ directUrl }: DatabaseConfig): DatabaseAddress | undefined {
  return directUrl === undefined ? undefined : parseAddress(directUrl, "CODER_PG_DIRECT_URL");
}

function addressOfUrl({ url, urlFile, host }: DatabaseConfig): DatabaseAddress {
  if (host !== undefined)
    throw wrong("DB_HOST", "CODER_PG_CONNECTION_URL names a database as well", "Set one of them alone");
  if (urlFile === undefined) return parseAddress(url ?? new Secret(""), "CODER_PG_CONNECTION_URL");
  return parseAddress(new Secret(readUrl(urlFile)), "CODER_PG_CONNECTION_URL_FILE", urlFile);
}

function readUrl(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw wrong(
      "CODER_PG_CONNECTION_URL_FILE",
      `the file ${file} cannot be read (${messageOf(error)})`,
      "Make it readable",
    );
  }
}
