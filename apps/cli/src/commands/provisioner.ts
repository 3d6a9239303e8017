import { type ProvisionerDaemon, type ProvisionerKey, routes } from "@berth/http-api";
import type { Command } from "commander";
import { contextOf } from "../cli-context.ts";
import { orNotFound } from "../not-found.ts";
import { addListOptions, type Columns, type ListOptions, printList } from "../output.ts";
import { type Pair, pairsOption } from "../repeatable.ts";
import { ago } from "../table.ts";
import { demandConsent } from "./workspaces.ts";

const ORGANIZATION = "default";
const params = { organization: ORGANIZATION };

const DAEMON_COLUMNS: Columns<ProvisionerDaemon> = {
  name: ({ name }) => name,
  status: ({ status }) => status ?? "offline",
  "last seen": ({ last_seen_at }) => (last_seen_at === undefined ? "never" : ago(last_seen_at)),
  version: ({ version }) => version,
  key: ({ key_name }) => key_name ?? "",
  tags: ({ tags }) => tagsOf(tags),
};
const KEY_COLUMNS: Columns<ProvisionerKey> = {
  name: ({ name }) => name,
  created: ({ created_at }) => ago(created_at),
  tags: ({ tags }) => tagsOf(tags),
};

/** `provisioner list`, `provisioner keys create | list | delete`. (`provisioner start` is the daemon's own program.) */
export function addProvisioner(program: Command): void {
  const provisioner = program
    .command("provisioner")
    .alias("provisioners")
    .description("daemons that run builds, and their keys");
  addListOptions(provisioner.command("list").alias("ls").description("list daemons"), DAEMON_COLUMNS).action(
    async (options: ListOptions, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.logIn();
      const all = await client.call(routes.listProvisionerDaemons, { params });
      printList(context.terminal, options, all, DAEMON_COLUMNS);
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
  addListOptions(keys.command("list").alias("ls").description("list keys"), KEY_COLUMNS).action(
    async (options: ListOptions, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.logIn();
      const all = await client.call(routes.listProvisionerKeys, { params });
      printList(context.terminal, options, all, KEY_COLUMNS);
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
      await orNotFound(
        client.call(routes.deleteProvisionerKey, { params: { ...params, name } }),
        `there is no key "${name}": see \`berth provisioner keys list\``,
      );
      terminal.say(`Deleted key ${name}`);
    });
}

function tagsOf(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
