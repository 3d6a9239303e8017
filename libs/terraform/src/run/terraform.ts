import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Value, isValues, toValue } from "../provider/value.ts";
import { type Diagnostic, oneLine, toDiagnostic } from "./diagnostics.ts";
import type { Executable } from "./executable.ts";
import { type LogLine, readStreamLine } from "./log-line.ts";
import { type State, readState } from "./state.ts";
import { Tail } from "./tail.ts";
import { type Exit, type TerraformProcess, startTerraform } from "./terraform-process.ts";

/** How a command of Terraform ended. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly reason: string; readonly diagnostics: readonly Diagnostic[] };

/** Who hears of a build's Terraform. */
export interface TerraformEars {
  /**
   * The lines of one thing that was said; `readTo` is the offset behind it in the stdout of the command. No more is read until
   * it has settled: what Terraform says meanwhile stays in its files.
   */
  onLog(lines: readonly LogLine[], readTo?: number): Promise<void> | void;
  /** A command is about to begin, or none runs any more. It begins when this resolves. */
  onProcess(running: RunningTerraform | undefined): Promise<void>;
  /** The creation of a resource has begun. */
  onStarted?(address: string): void;
}

/** The Terraform that runs now and the files it writes to. */
export interface RunningTerraform {
  readonly process: TerraformProcess;
  readonly command: string;
  readonly stdoutFile: string;
  readonly stderrFile: string;
}

/** Where and with what one build runs. */
export interface TerraformOptions {
  readonly executable: Executable;
  /** The template. */
  readonly source: string;
  /** Plans and the two streams of every command. */
  readonly output: string;
  readonly environment: Record<string, string>;
  /** Values of the template's variables, as a file. */
  readonly variableFile?: string;
  readonly ears: TerraformEars;
  /** A command that would start after this is aborted ends at once. */
  readonly signal: AbortSignal;
}

const STATE_FILE = "terraform.tfstate";

/** Runs the commands of one build: what changes something one at a time, what only reads beside one another. */
export class Terraform {
  readonly #options: TerraformOptions;

  constructor(options: TerraformOptions) {
    this.#options = options;
  }

  /** Where Terraform keeps its state. */
  get stateFile(): string {
    return join(this.#options.source, STATE_FILE);
  }

  /** Puts the state of the build before in place. */
  async writeState(bytes: Buffer): Promise<void> {
    await writeFile(this.stateFile, bytes, { mode: 0o600 });
  }

  /** The state as it is on disk; undefined when there is none. */
  readState(): Promise<State | undefined> {
    return readState(this.stateFile);
  }

  /** Fetches modules and providers. */
  async init(): Promise<Outcome> {
    const ended = await this.#run("init", ["init", "-no-color", "-input=false"]);
    if (isSuccess(ended)) return { kind: "done" };
    // init speaks prose; validate says the same of a template that does not parse, with file and line
    const said = await readFile(this.#file("init", "err"), "utf8");
    const matching = (await this.validate()).filter(({ summary }) => said.includes(summary));
    return failure("init", ended, matching, said);
  }

  /** What is wrong with the template as it stands, init or not. */
  async validate(): Promise<readonly Diagnostic[]> {
    const json = await this.#capture("validate", ["validate", "-no-color", "-json"]);
    if (!isValues(json) || !Array.isArray(json["diagnostics"])) return [];
    return json["diagnostics"].filter((each: Value) => isValues(each)).map(toDiagnostic);
  }

  /** Plans into a file called `name`. */
  async plan(name: string, options: { destroy?: boolean } = {}): Promise<Outcome> {
    const { variableFile } = this.#options;
    const ended = await this.#run(name, [
      "plan",
      "-no-color",
      "-input=false",
      "-json",
      "-refresh=true",
      `-out=${this.#planFile(name)}`,
      ...(options.destroy === true ? ["-destroy"] : []),
      ...(variableFile === undefined ? [] : [`-var-file=${variableFile}`]),
    ]);
    return isSuccess(ended) ? { kind: "done" } : failure("plan", ended, ended.diagnostics, ended.text);
  }

  /** A plan in JSON. @throws when Terraform does not show it. */
  showPlan(name: string): Promise<Value> {
    return this.#capture(`show-${name}`, ["show", "-json", "-no-color", this.#planFile(name)]);
  }

  /** The state in JSON. @throws when Terraform does not show it. */
  showState(): Promise<Value> {
    return this.#capture("show-state", ["show", "-json", "-no-color"]);
  }

  /** Who refers to whom, as DOT. @throws when Terraform does not draw it. */
  async graph(): Promise<string> {
    const ended = await this.#run("graph", ["graph", "-type=plan"], { quiet: true });
    if (!isSuccess(ended)) throw new Error(`running terraform graph: ${reasonOf(ended, ended.text)}`);
    return readFile(this.#file("graph", "out"), "utf8");
  }

  /** Applies a plan. */
  async apply(name: string): Promise<Outcome> {
    const ended = await this.#run("apply", [
      "apply",
      "-no-color",
      "-auto-approve",
      "-input=false",
      "-json",
      this.#planFile(name),
    ]);
    return isSuccess(ended) ? { kind: "done" } : failure("apply", ended, ended.diagnostics, ended.text);
  }

  #planFile(name: string): string {
    return join(this.#options.output, `${name}.tfplan`);
  }

  #file(command: string, stream: "out" | "err"): string {
    return join(this.#options.output, `${command}.${stream}`);
  }

  async #capture(command: string, words: readonly string[]): Promise<Value> {
    const ended = await this.#run(command, words, { quiet: true });
    const text = await readFile(this.#file(command, "out"), "utf8");
    if (!text.startsWith("{"))
      throw new Error(
        isSuccess(ended)
          ? `running terraform ${command}: ${this.#file(command, "out")} does not hold what it said; is the disk full?`
          : `running terraform ${command}: ${reasonOf(ended, ended.text)}`,
      );
    return toValue(JSON.parse(text));
  }

  async #run(command: string, words: readonly string[], { quiet = false } = {}): Promise<Ended> {
    const { executable, source, output, environment, ears, signal } = this.#options;
    if (signal.aborted) return { exit: { code: null, signal: "SIGINT" }, diagnostics: [], text: "" };
    await mkdir(output, { recursive: true, mode: 0o700 });
    const [stdoutFile, stderrFile] = [this.#file(command, "out"), this.#file(command, "err")];
    const process = await startTerraform({
      path: executable.path,
      arguments: words,
      folder: source,
      environment,
      stdoutFile,
      stderrFile,
    });
    // what only reads ends by itself and changes nothing: nobody needs to know of it
    if (!quiet) await recorded(ears, { process, command, stdoutFile, stderrFile });
    process.begin();
    const heard = new Hearing(quiet ? undefined : ears, command);
    const exited = process.exited.then(async (exit) => {
      if (!quiet) await ears.onProcess(undefined); // now, and not when all that it said was heard
      return exit;
    });
    const exit = await heard.until(exited, stdoutFile, stderrFile);
    return { exit, diagnostics: heard.diagnostics, text: heard.errorText };
  }
}

/** Tells of a process that may begin. @throws what its recording threw: it has ended then, and never began. */
async function recorded(ears: TerraformEars, running: RunningTerraform): Promise<void> {
  try {
    await ears.onProcess(running);
  } catch (error) {
    running.process.kill();
    throw error;
  }
}

interface Ended {
  readonly exit: Exit;
  readonly diagnostics: readonly Diagnostic[];
  readonly text: string;
}

/** Listens to the two streams of one command. */
class Hearing {
  readonly diagnostics: Diagnostic[] = [];
  errorText = "";
  readonly #ears: TerraformEars | undefined;
  readonly #command: string;

  constructor(ears: TerraformEars | undefined, command: string) {
    this.#ears = ears;
    this.#command = command;
  }

  async until(exited: Promise<Exit>, stdoutFile: string, stderrFile: string): Promise<Exit> {
    await using _stdout = await Tail.follow(
      stdoutFile,
      (line, offset) => this.#ears && this.#hear(line, "stdout", offset),
    );
    await using _stderr = await Tail.follow(stderrFile, (line) => this.#hear(line, "stderr"));
    return await exited;
  }

  async #hear(text: string, stream: "stdout" | "stderr", readTo?: number): Promise<void> {
    const read = readStreamLine(text, stream);
    if (stream === "stderr") this.errorText += `${text}\n`;
    if (read.diagnostic !== undefined) this.diagnostics.push(read.diagnostic);
    if (this.#command === "apply" && read.type === "planned_change") return; // the plan has said it
    if (read.started !== undefined) this.#ears?.onStarted?.(read.started);
    if (read.lines.length > 0) await this.#ears?.onLog(read.lines, readTo);
  }
}

function isSuccess({ exit }: Ended): boolean {
  return exit.code === 0;
}

function failure(
  command: string,
  { exit }: Ended,
  diagnostics: readonly Diagnostic[],
  text: string,
): Outcome {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const reason = first === undefined ? reasonOf({ exit }, text) : `${oneLine(first)}${more}`;
  return { kind: "failed", reason: `terraform ${command}: ${reason}`, diagnostics };
}

function reasonOf({ exit }: Pick<Ended, "exit">, text: string): string {
  const prose = text
    .split("\n")
    .map((line) => line.replace(/^[│╷╵ ]+/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("{"))
    .join(" ");
  if (prose !== "") return prose.slice(0, 2000);
  return exit.signal === null ? `exit code ${String(exit.code)}` : `ended by ${exit.signal}`;
}
