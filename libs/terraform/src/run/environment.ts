/** What a process inherits. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What Terraform would take for its own place of work or its own way of speaking. */
const OURS = new Set([
  "TF_DATA_DIR",
  "TF_WORKSPACE",
  "TF_LOG",
  "TF_LOG_PATH",
  "TF_CLI_CONFIG_FILE",
  "TF_REATTACH_PROVIDERS",
]);

/**
 * The environment of Terraform: what the daemon has, less the control plane's own (`CODER_*`, `DB_*`), because a template
 * must not read the deployment's secrets, while `AWS_*`, `KUBERNETES_*` and proxies are how it authenticates.
 */
export function terraformEnvironment(inherited: Environment, own: Environment): Record<string, string> {
  const kept = Object.entries(inherited).filter(
    ([name]) => !name.startsWith("CODER_") && !name.startsWith("DB_") && !OURS.has(name),
  );
  const fixed = { CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1", TF_INPUT: "0" };
  const merged: Environment = { ...Object.fromEntries(kept), ...fixed, ...own };
  return Object.fromEntries(
    Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
