import { mkdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { messageOf } from "@berth/std";
import type { agent } from "@berth/contract";
import { expandPath, expandVariables } from "./expand.ts";
import type { ProcessGroups } from "./process-groups.ts";
import type { Workplace } from "./workplace.ts";

type Variables = Readonly<Record<string, string>>;

export interface WorkplaceOptions {
  /** What this process was started with. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  /** What everything in the workspace has besides: who and where it is. */
  readonly own: (manifest: agent.Manifest) => Variables;
  readonly binFolder: (manifest: agent.Manifest) => string;
  readonly processes: ProcessGroups;
}

/** The workplace as the last manifest describes it. */
export class AgentWorkplace implements Workplace {
  readonly shell: string;
  readonly home: string;
  readonly processes: ProcessGroups;
  readonly #options: WorkplaceOptions;
  readonly #inherited: Variables;
  #environment: Variables;
  #folder: string;
  #motdFile: string | undefined;

  constructor(options: WorkplaceOptions) {
    const user = userInfo();
    this.#options = options;
    this.processes = options.processes;
    this.#inherited = definedOf(options.inherited);
    this.home = this.#inherited["HOME"] ?? user.homedir;
    this.shell = user.shell ?? this.#inherited["SHELL"] ?? "/bin/sh";
    this.#environment = { USER: user.username, HOME: this.home, SHELL: this.shell, ...this.#inherited };
    this.#folder = this.home;
  }

  folder(): string {
    return this.#folder;
  }

  environment(): Variables {
    return this.#environment;
  }

  motdFile(): string | undefined {
    return this.#motdFile;
  }

  /** Takes over a manifest. Answers what could not be done as it says. */
  async apply(manifest: agent.Manifest): Promise<string | undefined> {
    const user = userInfo();
    const base = {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      USER: user.username,
      HOME: this.home,
      SHELL: this.shell,
      ...this.#inherited,
      ...this.#options.own(manifest),
    };
    const path = `${base.PATH}:${this.#options.binFolder(manifest)}`;
    const variables = { ...base, PATH: path };
    const wanted = Object.entries(manifest.environment).map(
      ([name, value]) => [name, expandVariables(value, variables)] as const,
    );
    this.#environment = { ...variables, ...Object.fromEntries(wanted) };
    const where = { home: this.home, base: this.home, variables: this.#environment };
    this.#motdFile = manifest.motdFile === "" ? undefined : expandPath(manifest.motdFile, where);
    return this.#enter(manifest.directory === "" ? this.home : expandPath(manifest.directory, where));
  }

  async #enter(folder: string): Promise<string | undefined> {
    try {
      await mkdir(folder, { recursive: true });
      this.#folder = folder;
      return undefined;
    } catch (error) {
      return `the directory ${folder} cannot be made: ${messageOf(error)}; ${this.#folder} is used instead`;
    }
  }
}

function definedOf(variables: Readonly<Record<string, string | undefined>>): Variables {
  return Object.fromEntries(
    Object.entries(variables).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}
