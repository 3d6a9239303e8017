import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { provisioner } from "@berth/contract";
import { codeOf, messageOf, sleep } from "@berth/std";
import {
  type Dependents,
  type LogLine,
  type NewAgent,
  type RunningTerraform,
  Terraform,
  type Template,
  type TerraformEars,
  readGraph,
  readTemplate,
  serveProvider,
  terraformEnvironment,
  writeVariableFile,
} from "@berth/terraform";
import { fetchWhole } from "../cache/archives.ts";
import { isRefusal } from "../line/replicas.ts";
import { type JobContext, variablesOf } from "./build-context.ts";
import { extractArchive } from "./extract.ts";
import { initScriptOf } from "./init-script.ts";
import type { DaemonContext } from "./job-context.ts";
import type { Stop } from "./stop.ts";

/** A Terraform with the provider of one build behind it. */
export interface OpenTerraform extends AsyncDisposable {
  readonly terraform: Terraform;
}

/** Who hears of what happens in a workshop. */
export interface WorkshopEars {
  onLog(lines: readonly LogLine[], readTo?: number): Promise<void>;
  onStarted(address: string): void;
  onProcess(running: RunningTerraform | undefined): Promise<void>;
  onAgent(agent: NewAgent): void;
}

/** The folder in which one job is worked on: the template, its variables, plans and outputs. */
export class Workshop {
  readonly #context: DaemonContext;
  readonly #job: provisioner.Job;
  readonly #stop: Stop;
  readonly #ears: WorkshopEars;
  readonly folder: string;
  #failures = 0;
  #graph: Dependents | undefined;

  constructor(context: DaemonContext, job: provisioner.Job, folder: string, stop: Stop, ears: WorkshopEars) {
    this.#context = context;
    this.#job = job;
    this.#stop = stop;
    this.#ears = ears;
    this.folder = folder;
  }

  get #source(): string {
    return join(this.folder, "source");
  }

  /** Fetches and unpacks the template. @throws TemplateFaultError, CodedError */
  async unpack(): Promise<Template> {
    const { archive } = this.#job;
    if (archive === undefined) throw new Error("reading a job: it has no archive");
    const bytes = await this.#persist(() =>
      this.#context.archives.get(archive.sha256, () => this.#download(archive.fileId)),
    );
    await extractArchive(bytes, this.#source);
    return readTemplate(this.#source);
  }

  /** Fetches a file that no cache keeps. */
  fetch(file: provisioner.FileRef): Promise<Buffer> {
    return this.#persist(() => fetchWhole(file.sha256, () => this.#download(file.fileId)));
  }

  /** Writes the values of the template's variables where only this user reads them; answers the file. */
  async writeVariables(template: Template, values: readonly provisioner.VariableValue[]): Promise<string> {
    const file = join(this.folder, "variables.tfvars");
    const given = new Map(values.map(({ name, value }) => [name, value]));
    await writeFile(file, writeVariableFile(template.variables, given), { mode: 0o600 });
    return file;
  }

  /** Opens Terraform on the template, with a provider that tells it of this build. */
  async open(told: JobContext, variableFile: string, debug: boolean): Promise<OpenTerraform> {
    const { environment, executable, terraformConfigFile, cacheFolder, selfCommand } = this.#context;
    const provider = await serveProvider({
      ...told,
      initScript: () => initScriptOf(selfCommand(["agent", "--detach"]), told.accessUrl),
      onAgent: (agent) => this.#ears.onAgent(agent),
    });
    const plugins = join(cacheFolder, "plugins");
    await mkdir(plugins, { recursive: true, mode: 0o700 });
    const terraform = new Terraform({
      executable,
      source: this.#source,
      output: join(this.folder, "output"),
      environment: terraformEnvironment(environment, {
        ...variablesOf(told),
        TF_REATTACH_PROVIDERS: provider.reattach,
        TF_CLI_CONFIG_FILE: terraformConfigFile,
        TF_PLUGIN_CACHE_DIR: plugins,
        ...(debug && { TF_LOG: "JSON" }),
      }),
      variableFile,
      signal: this.#stop.signal,
      ears: this.#terraformEars(),
    });
    return { terraform, [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose]() };
  }

  /** Who refers to whom in the template: the same for every command. */
  async graph(terraform: Terraform): Promise<Dependents> {
    this.#graph ??= readGraph(await terraform.graph());
    return this.#graph;
  }

  #terraformEars(): TerraformEars {
    return {
      onLog: (lines, readTo) => this.#ears.onLog(lines, readTo),
      onStarted: (address) => this.#ears.onStarted(address),
      onProcess: async (running) => {
        await this.#ears.onProcess(running);
        this.#stop.watch(running?.process);
      },
    };
  }

  async *#download(fileId: string): AsyncGenerator<provisioner.DownloadFileResponse> {
    const { jobId, epoch } = this.#job;
    using client = this.#context.replicas.dial(this.#failures);
    yield* client.downloadFile({ jobId, epoch, fileId, traceparent: "" }, { signal: this.#stop.signal });
  }

  /** Again at the next replica, until the build is stopped or the answer is final. */
  async #persist<T>(work: () => Promise<T>): Promise<T> {
    while (true) {
      try {
        return await work();
      } catch (error) {
        const isFinal =
          isRefusal(error) ||
          ["not_found", "aborted", "invalid_argument"].includes(codeOf(error)) ||
          (codeOf(error) === "data_loss" && this.#failures > 2); // not damaged on its way: it is another file
        if (isFinal || this.#stop.signal.aborted || this.#failures > 100) throw error;
        this.#context.log.warn("file not fetched, trying again", { reason: messageOf(error) });
        this.#failures += 1;
        await sleep(Math.min(5_000, 100 * 2 ** Math.min(this.#failures, 6)), this.#stop.signal);
      }
    }
  }
}
