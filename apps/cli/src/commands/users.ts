import { routes, type User } from "@berth/http-api";
import { type Command, Option } from "commander";
import { contextOf } from "../cli-context.ts";
import { addListOptions, type Columns, type ListOptions, printList } from "../output.ts";
import { ago } from "../table.ts";

interface CreateOptions {
  readonly username: string;
  readonly email: string;
  readonly fullName?: string;
  readonly password?: string;
}

const COLUMNS: Columns<User> = {
  username: ({ username }) => username,
  email: ({ email }) => email,
  created: ({ created_at }) => ago(created_at),
  status: ({ status }) => status,
};

/** `users create`, `users list`. */
export function addUsers(program: Command): void {
  const users = program.command("users").alias("user").description("manage users");
  users
    .command("create")
    .description("create a user")
    .requiredOption("-u, --username <name>", "name (required)")
    .requiredOption("-e, --email <address>", "e-mail (required)")
    .option("-n, --full-name <name>", "full name")
    .addOption(new Option("-p, --password <password>", "password; asked or made up when it is not given"))
    .action(async (options: CreateOptions, command: Command) => {
      const { terminal, ...context } = contextOf(command);
      const { client } = await context.logIn();
      const password =
        options.password ?? (terminal.asksPeople ? await terminal.askNewSecret("Password") : undefined);
      const chosen = password ?? madeUp();
      const organizations = await client.call(routes.listOrganizations, {});
      await client.call(routes.createUser, {
        body: {
          username: options.username,
          email: options.email,
          password: chosen,
          organization_ids: organizations.filter((each) => each.is_default).map(({ id }) => id),
          ...(options.fullName === undefined ? {} : { name: options.fullName }),
        },
      });
      terminal.say(
        `Created ${options.username}${password === undefined ? ". The password, shown this once:" : ""}`,
      );
      if (password === undefined) terminal.print(chosen);
    });
  addListOptions(users.command("list").alias("ls").description("list users"), COLUMNS).action(
    async (options: ListOptions, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.logIn();
      const { users: all } = await client.call(routes.listUsers, {});
      printList(context.terminal, options, all, COLUMNS);
    },
  );
}

function madeUp(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString("base64url");
}
