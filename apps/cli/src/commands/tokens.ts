import { type ApiKey, routes } from "@berth/http-api";
import { CodedError, parseDuration } from "@berth/std";
import type { Command } from "commander";
import { contextOf } from "../cli-context.ts";
import { orNotFound } from "../not-found.ts";
import { addListOptions, type Columns, type ListOptions, printList } from "../output.ts";
import { ago } from "../table.ts";

const COLUMNS: Columns<ApiKey> = {
  id: ({ id }) => id,
  name: ({ token_name }) => token_name,
  "last used": ({ last_used }) => ago(last_used),
  "expires at": ({ expires_at }) => expires_at,
  created: ({ created_at }) => ago(created_at),
};

/** `tokens create | list | remove`. */
export function addTokens(program: Command): void {
  const tokens = program.command("tokens").alias("token").description("tokens for scripts");
  tokens
    .command("create")
    .description("create a token and print it, once")
    .option("-n, --name <name>", "a name to find it by")
    .option("--lifetime <duration>", "how long it is good, such as 30d or 12h")
    .action(async (options: { name?: string; lifetime?: string }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.logIn();
      const lifetimeMs = options.lifetime === undefined ? undefined : parseDuration(options.lifetime);
      if (options.lifetime !== undefined && lifetimeMs === undefined)
        throw new CodedError(
          "invalid_argument",
          `--lifetime "${options.lifetime}" is not a duration: write 30d, 12h or 45m`,
        );
      const { key } = await client.call(routes.createToken, {
        params: { user: "me" },
        body: {
          ...(options.name === undefined ? {} : { token_name: options.name }),
          ...(lifetimeMs === undefined ? {} : { lifetime: lifetimeMs * 1_000_000 }),
        },
      });
      context.terminal.print(key);
    });
  addListOptions(tokens.command("list").alias("ls").description("list your tokens"), COLUMNS).action(
    async (options: ListOptions, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.logIn();
      const all = await client.call(routes.listTokens, { params: { user: "me" } });
      printList(context.terminal, options, all, COLUMNS);
    },
  );
  tokens
    .command("remove <id>")
    .alias("rm")
    .description("delete a token: whoever uses it is logged out")
    .action(async (id: string, _: unknown, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.logIn();
      await orNotFound(
        client.call(routes.deleteKey, { params: { user: "me", key: id } }),
        `there is no token "${id}" of yours: see \`berth tokens list\``,
      );
      context.terminal.say(`Deleted token ${id}`);
    });
}
