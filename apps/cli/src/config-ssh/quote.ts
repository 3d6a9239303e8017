import { CodedError } from "@berth/std";

/**
 * A word of a command in an ssh configuration, such that both who reads it get the same: a shell (ProxyCommand) and ssh
 * itself (KnownHostsCommand). `%` is doubled, or ssh would take it for one of its own.
 * @throws CodedError when a word has marks that the two read differently.
 */
export function quoteWord(word: string): string {
  const text = word.replaceAll("%", "%%");
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (!/['\\\n\r]/.test(text)) return `'${text}'`;
  if (!/["$`\\\n\r]/.test(text)) return `"${text}"`;
  throw new CodedError(
    "invalid_argument",
    `${JSON.stringify(word)} cannot be written into an ssh configuration: its quotes and backslashes mean different things to a shell and to ssh`,
  );
}
