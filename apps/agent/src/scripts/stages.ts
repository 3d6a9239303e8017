import { mkdir } from "node:fs/promises";
import { messageOf, sleep } from "@berth/std";
import { agent } from "@berth/contract";
import type { Logger } from "@berth/telemetry";
import { binFolder, dataFolder } from "../data-folder.ts";
import type { Outbox } from "../plane/outbox.ts";
import { writeOwnCommands } from "../processes/own-commands.ts";
import type { Workplace } from "../processes/workplace.ts";
import { within } from "../within.ts";
import { Lifecycle } from "./lifecycle.ts";
import { LogBatches } from "./log-batches.ts";
import type { ScriptHost } from "./run-script.ts";
import { runStage, type StageOutcome } from "./run-stage.ts";

/** Scripts are slowed down when more messages than this wait to be sent. */
const BUSY_MESSAGES = 64;
const BUSY_PAUSE_MS = 50;

export interface StagesOptions {
  readonly outbox: Outbox;
  readonly workplace: Workplace;
  readonly logFolder: string;
  /** How this program is started with other arguments. */
  readonly ownCommand: readonly string[];
  readonly log: Logger;
}

/** The workspace's life as its template scripts it: what runs at the start and at the end, and what the plane hears of it. */
export class Stages {
  readonly #options: StagesOptions;
  readonly #lifecycle: Lifecycle;
  readonly #logs: LogBatches;

  constructor(options: StagesOptions) {
    const send = options.outbox.add.bind(options.outbox);
    this.#options = options;
    this.#lifecycle = new Lifecycle(send);
    this.#logs = new LogBatches(send);
  }

  /** A line in the agent's own log, where users read why something is not as they asked. */
  warn({ agentLogSourceId }: agent.Manifest, text: string): void {
    this.#logs.add(agentLogSourceId, "warn", text);
  }

  async start(manifest: agent.Manifest): Promise<void> {
    this.#lifecycle.to(agent.LifecycleState.STARTING);
    await this.#prepareData(manifest);
    const scripts = manifest.scripts.filter(({ runOnStart }) => runOnStart);
    const outcome = await this.#run(scripts, manifest);
    this.#lifecycle.to(STARTED[outcome]);
    this.#options.log.info("start scripts are done", { scripts: scripts.length, outcome });
  }

  /** Runs the stop scripts; a limit is for a plane that does not wait for them. */
  async stop(manifest: agent.Manifest, limitMs?: number): Promise<void> {
    this.#lifecycle.to(agent.LifecycleState.SHUTTING_DOWN);
    const scripts = manifest.scripts.filter(({ runOnStop }) => runOnStop);
    const stopped = this.#run(scripts, manifest).then((outcome) => this.#lifecycle.to(STOPPED[outcome]));
    if (limitMs === undefined) await stopped;
    else await within(limitMs, stopped);
    this.#logs.flush();
  }

  #run(scripts: readonly agent.AgentScript[], manifest: agent.Manifest): Promise<StageOutcome> {
    return runStage(scripts, this.#host(manifest), (done) => {
      this.#logs.flush(); // the lines of a script reach the plane before the word that it is done
      this.#options.outbox.add(done);
    });
  }

  async #prepareData(manifest: agent.Manifest): Promise<void> {
    const folder = dataFolder(manifest.agentId);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeOwnCommands(binFolder(folder), this.#options.ownCommand);
    } catch (error) {
      this.warn(manifest, `the folder ${folder} cannot be used: ${messageOf(error)}`);
    }
  }

  #host({ agentId }: agent.Manifest): ScriptHost {
    const { outbox, workplace, logFolder } = this.#options;
    return {
      workplace,
      logFolder,
      dataFolder: dataFolder(agentId),
      line: (source, level, text) => this.#logs.add(source, level, text),
      ready: async () => {
        if (outbox.size >= BUSY_MESSAGES) await sleep(BUSY_PAUSE_MS);
      },
    };
  }
}

const STARTED: Readonly<Record<StageOutcome, agent.LifecycleState>> = {
  ok: agent.LifecycleState.READY,
  failed: agent.LifecycleState.START_ERROR,
  timed_out: agent.LifecycleState.START_TIMEOUT,
};

const STOPPED: Readonly<Record<StageOutcome, agent.LifecycleState>> = {
  ok: agent.LifecycleState.OFF,
  failed: agent.LifecycleState.SHUTDOWN_ERROR,
  timed_out: agent.LifecycleState.SHUTDOWN_TIMEOUT,
};
