import { type Replica, routes } from "@berth/http-api";
import type { Command } from "commander";
import { contextOf } from "../cli-context.ts";
import { addListOptions, type Columns, type ListOptions, printList } from "../output.ts";
import { ago } from "../table.ts";

const COLUMNS: Columns<Replica> = {
  id: ({ id }) => id,
  hostname: ({ hostname }) => hostname,
  state: ({ state }) => state,
  services: ({ services }) => services.join(","),
  relay: ({ relay_address }) => relay_address,
  postgres: ({ database_latency }) => `${(database_latency / 1000).toFixed(1)}ms`,
  started: ({ created_at }) => ago(created_at),
  version: ({ version }) => version,
  error: ({ error }) => error,
};
const USUAL = ["hostname", "relay", "state", "postgres", "started", "error"];

/** `replicas`: the processes of the control plane. */
export function addReplicas(program: Command): void {
  const replicas = program.command("replicas").description("the processes of the control plane");
  addListOptions(replicas, COLUMNS, USUAL).action(async (options: ListOptions, command: Command) => {
    const context = contextOf(command);
    const { client } = await context.logIn();
    printList(context.terminal, options, await client.call(routes.listReplicas, {}), COLUMNS);
  });
}
