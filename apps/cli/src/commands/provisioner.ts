import { routes } from "@berth/http-api";
import type { Command } from "commander";
import { contextOf } from "../cli-context.ts";
import { addOutput, printList } from "../output.ts";
import { type Pair, pairsOption } from "../repeatable.ts";
import { ago } from "../table.ts";
import { demandConsent } from "./workspaces.ts";

const ORGANIZATION = "default";
const params = { organization: ORGANIZATION };

/** `provisioner list`, `provisioner keys create | list | delete`. (`provisioner start` is the daemon's own program.) */
export function addProvisioner(program: Command): void {
  const provisioner = program
    .command("provisioner")
    .alias("provisioners")
    .description("daemons that run builds, and their keys");
  addOutput(provisioner.command("list").alias("ls").description("list daemons")).action(
    async ({ output }: { output: string }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.logIn();
      const all = await client.call(routes.listProvisionerDaemons, { params });
      printList(
        context.terminal,
        output,
        all,
        ["name", "status", "last seen", "version", "key", "tags"],
        (daemon) => [
          daemon.name,
          daemon.status ?? "offline",
          daemon.last_seen_at === undefined ? "never" : ago(daemon.last_seen_at),
          daemon.version,
          daemon.key_name ?? "",
          tagsOf(daemon.tags),
        ],
      );
    },
  );
  const keys = provisioner.command("keys").alias("key").description("keys of external daemons");
  keys
    .command("create <name>")
    .description("create a key and print it, once")
    .addOption(pairsOption("-t, --tag <key=value>", "a tag of every daemon that uses it"))
    .action(async (name: string, { tag }: { tag: readonly Pair[] }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.logIn();
      const tags = Object.fromEntries(tag.map((pair) => [pair.name, pair.value]));
      const { key } = await client.call(routes.createProvisionerKey, { params, body: { name, tags } });
      context.terminal.say(
        `Created key ${name}. Start a daemon: CODER_PROVISIONER_DAEMON_KEY=<key> berth provisioner start`,
      );
      context.terminal.print(key);
    });
  addOutput(keys.command("list").alias("ls").description("list keys")).action(
    async ({ output }: { output: string }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.logIn();
      const all = await client.call(routes.listProvisionerKeys, { params });
      printList(context.terminal, output, all, ["name", "created", "tags"], (key) => [
        key.name,
        ago(key.created_at),
        tagsOf(key.tags),
      ]);
    },
  );
  keys
    .command("delete <name>")
    .alias("rm")
    .description("delete a key: its daemons are sent away")
    .option("-y, --yes", "do not ask")
    .action(async (name: string, { yes }: { yes?: boolean }, command: Command) => {
      const { terminal, ...context } = contextOf(command);
      const { client } = await context.logIn();
      if (!(await demandConsent(terminal, yes, `Delete key ${name}?`, false))) return;
      await client.call(routes.deleteProvisionerKey, { params: { ...params, name } });
      terminal.say(`Deleted key ${name}`);
    });
}

function tagsOf(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
