import { ApiError, type HttpClient, routes } from "@berth/http-api";
import { CodedError, codeOf, messageOf } from "@berth/std";
import { type Command, Option } from "commander";
import { type CliContext, contextOf } from "../cli-context.ts";
import { outputOption } from "../output.ts";
import { forgetSession, readSession, saveSession } from "../session-files.ts";

interface LoginOptions {
  readonly firstUserUsername?: string;
  readonly firstUserEmail?: string;
  readonly firstUserFullName?: string;
  readonly firstUserPassword?: string;
  readonly useTokenAsSession?: boolean;
}

/** `login`, `logout`, `whoami`. */
export function addLogin(program: Command): void {
  const firstUser = (flag: string, variable: string, what: string) =>
    new Option(`--first-user-${flag} <${flag}>`, what).env(`CODER_FIRST_USER_${variable}`);
  const login = program
    .command("login [url]")
    .description("log in, or create the first user of a fresh deployment")
    .addOption(firstUser("username", "USERNAME", "name of the first user"))
    .addOption(firstUser("email", "EMAIL", "e-mail of the first user"))
    .addOption(firstUser("full-name", "FULL_NAME", "full name of the first user"))
    .addOption(firstUser("password", "PASSWORD", "password of the first user"))
    .option("--first-user-trial", "accepted for scripts")
    .option("--use-token-as-session", "save the token that was given instead of a fresh one")
    .action(async (url: string | undefined, options: LoginOptions, command: Command) =>
      logIn(contextOf(command), url, options),
    );
  login
    .command("token")
    .description("print the session token")
    .action(async (_, command: Command) => {
      const context = contextOf(command);
      context.terminal.print((await context.logIn()).token);
    });
  program
    .command("logout")
    .description("end the session and forget it")
    .option("-y, --yes", "do not ask")
    .action(async (_, command: Command) => logOut(contextOf(command)));
  program
    .command("whoami")
    .description("say who is logged in, and where")
    .addOption(outputOption("text"))
    .action(async ({ output }: { output: string }, command: Command) => {
      const context = contextOf(command);
      const { client, url } = await context.logIn();
      const user = await client.call(routes.getUser, { params: { user: "me" } });
      if (output === "json") context.terminal.print(JSON.stringify([{ url, user }], null, 2));
      else context.terminal.print(`You are ${user.username} (${user.email}) at ${url}`);
    });
}

async function logIn(context: CliContext, given: string | undefined, options: LoginOptions): Promise<void> {
  const saved = await readSession(context.globals.globalConfig);
  const url = asUrl(given ?? context.globals.url ?? saved.url);
  const stranger = await context.client(url);
  await stranger.call(routes.getBuildInfo, {});
  const token = await obtainToken(context, stranger, url, options);
  const user = await (await context.client(url, token)).call(routes.getUser, { params: { user: "me" } });
  await saveSession(context.globals.globalConfig, { url, token });
  context.terminal.say(`Logged in to ${url} as ${user.username}`);
}

/** A URL as people type it: `localhost:3000` is plain http, any other host without a scheme https. */
function asUrl(typed: string | undefined): string {
  if (typed === undefined || typed === "")
    throw new CodedError("invalid_argument", "say where: berth login <url>");
  const local = /^(localhost|127\.0\.0\.1|\[::1\])([:/]|$)/.test(typed);
  const text = /^https?:\/\//.test(typed) ? typed : `${local ? "http" : "https"}://${typed}`;
  if (!URL.canParse(text))
    throw new CodedError(
      "invalid_argument",
      `"${typed}" is not a URL: write it as https://berth.example.com`,
    );
  return text.replace(/\/+$/, "");
}

/** Who logs in how: the first user by flags or questions, then a token given or piped, then e-mail and password. */
async function obtainToken(
  context: CliContext,
  stranger: HttpClient,
  url: string,
  options: LoginOptions,
): Promise<string> {
  if (!(await hasFirstUser(stranger))) return createFirstUser(context, stranger, options);
  const { firstUserEmail, firstUserPassword } = options;
  if (firstUserEmail !== undefined && firstUserPassword !== undefined)
    return withPassword(stranger, firstUserEmail, firstUserPassword);
  const token =
    context.globals.token ?? (context.terminal.asksPeople ? undefined : await context.terminal.readPipe());
  if (token !== undefined && token !== "")
    return withToken(context, url, token, options.useTokenAsSession === true);
  if (!context.terminal.asksPeople)
    throw new CodedError(
      "unauthenticated",
      `no token was given: pipe one in, or give --token; ${url}/cli-auth shows one`,
    );
  context.terminal.say(`Log in to ${url} (${url}/cli-auth shows a token for \`berth login --token\`)`);
  const email = await context.terminal.ask("E-mail");
  return withPassword(stranger, email, await context.terminal.askSecret("Password"));
}

async function hasFirstUser(stranger: HttpClient): Promise<boolean> {
  try {
    await stranger.call(routes.hasFirstUser, {});
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

async function createFirstUser(
  { terminal }: CliContext,
  stranger: HttpClient,
  options: LoginOptions,
): Promise<string> {
  const missing = (flag: string) =>
    new CodedError(
      "invalid_argument",
      `this deployment has no user yet: give --first-user-${flag}, or log in at a terminal`,
    );
  const answer = async (flag: string, given: string | undefined, ask: () => Promise<string>) => {
    if (given !== undefined && given !== "") return given;
    if (!terminal.asksPeople) throw missing(flag);
    return ask();
  };
  if (terminal.asksPeople) terminal.say("This deployment has no user yet. You are making its owner.");
  const username = await answer("username", options.firstUserUsername, () => terminal.ask("Username"));
  const email = await answer("email", options.firstUserEmail, () => terminal.ask("E-mail"));
  const password = await answer("password", options.firstUserPassword, () =>
    terminal.askNewSecret("Password"),
  );
  await stranger.call(routes.createFirstUser, {
    body: {
      username,
      email,
      password,
      ...(options.firstUserFullName === undefined ? {} : { name: options.firstUserFullName }),
    },
  });
  return withPassword(stranger, email, password);
}

async function withPassword(stranger: HttpClient, email: string, password: string): Promise<string> {
  try {
    return (await stranger.call(routes.logIn, { body: { email, password } })).session_token;
  } catch (cause) {
    if (codeOf(cause) !== "unauthenticated") throw cause;
    throw new CodedError("unauthenticated", "the e-mail or the password is wrong", { cause });
  }
}

/** A given token is exchanged for a session of its own, so that ending one does not end the other. */
async function withToken(
  context: CliContext,
  url: string,
  token: string,
  asSession: boolean,
): Promise<string> {
  if (asSession) return token;
  const client = await context.client(url, token);
  return (await client.call(routes.createSessionKey, { params: { user: "me" } })).key;
}

async function logOut(context: CliContext): Promise<void> {
  const { client } = await context.logIn();
  try {
    await client.call(routes.logOut, {});
  } catch (cause) {
    if (codeOf(cause) !== "unauthenticated")
      throw new CodedError("unavailable", `forgotten here, but not ended there: ${messageOf(cause)}`, {
        cause,
      });
  } finally {
    await forgetSession(context.globals.globalConfig);
  }
  context.terminal.say("Logged out");
}
