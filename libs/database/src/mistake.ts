import { ConfigError } from "@berth/config";

/** One mistake in how the database is configured: the process exits 78. */
export function wrong(variable: string, what: string, mend: string): ConfigError {
  return new ConfigError([{ variable, expected: what, mend }]);
}
