import { CodedError } from "@berth/std";

// The markers that public editors look for (11 and 12 dashes at the ends).
const START = "# ------------START-CODER-----------";
const END = "# ------------END-CODER------------";

/** Options that a section keeps as comments, so that the next run uses them again. */
export interface SectionOptions {
  readonly wait?: string;
  readonly sshHostPrefix?: string;
  readonly hostnameSuffix?: string;
  readonly disableAutostart?: boolean;
  /** A host for each workspace instead of patterns. */
  readonly noWildcard?: boolean;
  /** `Key Value`, as ssh_config has it. */
  readonly sshOptions: readonly string[];
  /** `name=value` headers, and a command that prints them. */
  readonly headers: readonly string[];
  readonly headerCommand?: string;
}

/** A user's ssh configuration, cut around our section. Text outside is never touched. */
export interface SshConfigFile {
  readonly before: string;
  readonly section: string | undefined;
  readonly after: string;
}

/**
 * Cuts the file around our section.
 * @throws CodedError failed_precondition when the markers are broken or there is more than one section.
 */
export function cutSection(text: string): SshConfigFile {
  const starts = occurrences(text, START);
  const ends = occurrences(text, END);
  const [start] = starts;
  const [end] = ends;
  if (start === undefined && end === undefined) return { before: text, section: undefined, after: "" };
  if (starts.length > 1 || ends.length > 1)
    throw broken("holds more than one section", "remove all but one of them");
  if (start === undefined || end === undefined || end < start)
    throw broken(
      "has a START or END marker without its other half",
      "remove that marker and what belonged to it",
    );
  const stop = end + END.length;
  return { before: text.slice(0, start), section: text.slice(start, stop), after: text.slice(stop) };
}

function broken(what: string, mend: string): CodedError {
  return new CodedError(
    "failed_precondition",
    `the ssh configuration ${what} between "${START}" and "${END}": ${mend}`,
  );
}

function occurrences(text: string, marker: string): number[] {
  return [...text.matchAll(new RegExp(`^${marker}(?=\r?$)`, "gm"))].map((match) => match.index);
}

/** Puts the section back, at its old place or at the end after one empty line. */
export function joinSection({ before, after, section: old }: SshConfigFile, section: string): string {
  if (old !== undefined) return `${before}${section}${after}`;
  const gap = before === "" || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  return `${before}${gap}${section}\n`;
}

const KEPT = [
  ["wait", "wait"],
  ["ssh-host-prefix", "sshHostPrefix"],
  ["hostname-suffix", "hostnameSuffix"],
  ["header-command", "headerCommand"],
] as const;

/** Reads the options that a section keeps. */
export function readOptions(section: string): SectionOptions {
  const lines = [...section.matchAll(/^# :([a-z-]+)=(.*)$/gm)].map(([, key = "", value = ""]) => ({
    key,
    value,
  }));
  const all = (key: string) => lines.filter((line) => line.key === key).map(({ value }) => value);
  const single = KEPT.flatMap(([key, name]) => all(key).map((value) => [name, value] as const));
  return {
    ...Object.fromEntries(single),
    ...(all("disable-autostart").includes("true") ? { disableAutostart: true } : {}),
    ...(all("no-wildcard").includes("true") ? { noWildcard: true } : {}),
    sshOptions: all("ssh-option"),
    headers: all("header"),
  };
}

/** Writes the section: markers, kept options, then the hosts. */
export function writeSection(options: SectionOptions, hosts: readonly SectionHost[]): string {
  const kept = [
    ...KEPT.flatMap(([key, name]) => (options[name] === undefined ? [] : [`# :${key}=${options[name]}`])),
    ...(options.disableAutostart === true ? ["# :disable-autostart=true"] : []),
    ...(options.noWildcard === true ? ["# :no-wildcard=true"] : []),
    ...options.sshOptions.map((option) => `# :ssh-option=${option}`),
    ...options.headers.map((header) => `# :header=${header}`),
  ];
  return [
    START,
    "# This section is written by `config-ssh`; what stands in it is replaced at its next run.",
    ...(kept.length > 0 ? ["#", "# Options of the last run:", ...kept] : []),
    ...hosts.flatMap(({ pattern, lines }) => ["", `Host ${pattern}`, ...lines.map((line) => `  ${line}`)]),
    END,
  ].join("\n");
}

/** One `Host` block. */
export interface SectionHost {
  readonly pattern: string;
  readonly lines: readonly string[];
}

/** Merges ssh options, later ones win by key; an empty value takes the key out. `SetEnv` adds up. */
export function mergeOptions(...lists: readonly (readonly string[])[]): string[] {
  const merged = new Map<string, string>();
  for (const option of lists.flat()) {
    const [, key = option, value = ""] = /^\s*([^\s=]+)(?:\s*=\s*|\s+)?(.*)$/.exec(option) ?? [];
    const known = [...merged.keys()].find((name) => name.toLowerCase() === key.toLowerCase()) ?? key;
    const former = merged.get(known);
    if (value === "") merged.delete(known);
    else
      merged.set(
        known,
        known.toLowerCase() === "setenv" && former !== undefined ? `${former} ${value}` : value,
      );
  }
  return [...merged].map(([key, value]) => `${key} ${value}`);
}
