/** A word as a shell reads it back. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The script that starts an agent of this machine: this very program, in a session of its own. */
export function initScriptOf(command: readonly string[], accessUrl: string): string {
  return [
    "#!/usr/bin/env sh",
    "set -eu",
    `export CODER_AGENT_URL="\${CODER_AGENT_URL:-${accessUrl}}"`,
    `exec ${command.map(quote).join(" ")}`,
    "",
  ].join("\n");
}
