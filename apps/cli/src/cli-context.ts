import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createClient, type HttpClient } from "@berth/http-api";
import { CodedError, version } from "@berth/std";
import type { Command } from "commander";
import type { Globals } from "./globals.ts";
import { readPair } from "./repeatable.ts";
import { readSession } from "./session-files.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

/** What a command works with. */
export interface CliContext {
  readonly globals: Globals;
  readonly terminal: Terminal;
  /** A client for somebody who is logged in. @throws CodedError unauthenticated with the mend. */
  logIn(): Promise<LoggedIn>;
  /** A client for a given URL and token, with this command's headers. */
  client(url: string, token?: string): Promise<HttpClient>;
}

/** A log-in as it was found. */
export interface LoggedIn {
  readonly client: HttpClient;
  readonly url: string;
  readonly token: string;
}

const run = promisify(execFile);

/** The context of a command that is about to run. */
export function contextOf(command: Command): CliContext {
  const globals: Globals = command.optsWithGlobals();
  const terminal = openTerminal(globals.forceTty);
  const warned = new Set<string>();
  const client = async (url: string, token?: string) =>
    createClient({
      url,
      ...(token === undefined ? {} : { token }),
      headers: { ...(await headersOf(globals, url)), "User-Agent": userAgent(command) },
      fetch: async (resource, request) => {
        const answer = await fetch(resource, request);
        const theirs = answer.headers.get("X-Coder-Build-Version");
        if (globals.versionWarning && theirs !== null && theirs !== version && !warned.has(theirs)) {
          warned.add(theirs);
          terminal.say(`warning: the deployment is ${theirs} and this program ${version}`);
        }
        return answer;
      },
    });
  return {
    globals,
    terminal,
    client,
    async logIn() {
      const saved = await readSession(globals.globalConfig);
      const url = globals.url ?? saved.url;
      const token = globals.token ?? saved.token;
      if (url === undefined || token === undefined)
        throw new CodedError("unauthenticated", "you are not logged in: run `berth login <url>`");
      return { client: await client(url, token), url, token };
    },
  };
}

function userAgent(command: Command): string {
  return `coder-cli/${version} (${process.platform}/${process.arch}; ${command.name()})`;
}

async function headersOf({ header, headerCommand }: Globals, url: string): Promise<Record<string, string>> {
  const printed = headerCommand === undefined ? "" : await printHeaders(headerCommand, url);
  return Object.fromEntries(
    [...header, ...printed.split(/\r?\n/).filter((line) => line !== "")]
      .map(readPair)
      .map(({ name, value }) => [name, value]),
  );
}

async function printHeaders(headerCommand: string, url: string): Promise<string> {
  try {
    const { stdout } = await run("/usr/bin/env", [`CODER_URL=${url}`, "sh", "-c", headerCommand]);
    return stdout;
  } catch (cause) {
    throw new CodedError("failed_precondition", `the header command failed: ${headerCommand}`, { cause });
  }
}
