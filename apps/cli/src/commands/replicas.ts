import { routes } from "@berth/http-api";
import type { Command } from "commander";
import { contextOf } from "../cli-context.ts";
import { addOutput, printList } from "../output.ts";
import { ago } from "../table.ts";

/** `replicas`: the processes of the control plane. */
export function addReplicas(program: Command): void {
  addOutput(program.command("replicas").description("the processes of the control plane")).action(
    async ({ output }: { output: string }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.logIn();
      const all = await client.call(routes.listReplicas, {});
      const headings = [
        "id",
        "hostname",
        "state",
        "services",
        "relay",
        "postgres",
        "started",
        "version",
        "error",
      ];
      printList(context.terminal, output, all, headings, (replica) => [
        replica.id,
        replica.hostname,
        replica.state,
        replica.services.join(","),
        replica.relay_address,
        `${(replica.database_latency / 1000).toFixed(1)}ms`,
        ago(replica.created_at),
        replica.version,
        replica.error,
      ]);
    },
  );
}
