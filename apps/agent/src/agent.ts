import { mkdir, rm } from "node:fs/promises";
import { arch, hostname, platform } from "node:os";
import { type Deferred, deferred, messageOf, newId, sleep, version } from "@berth/std";
import { agent } from "@berth/contract";
import type { Environment } from "@berth/config";
import type { Logger } from "@berth/telemetry";
import { generateKeyPair } from "@berth/tunnel";
import { binFolder, dataFolder } from "./data-folder.ts";
import { MetadataLoop } from "./metadata/metadata-loop.ts";
import { Outbox } from "./plane/outbox.ts";
import { PlaneConnection, type PlaneEnd } from "./plane/plane-connection.ts";
import type { PlaneWord } from "./plane/plane-line.ts";
import { ServerClock } from "./plane/server-clock.ts";
import { AgentWorkplace } from "./processes/agent-workplace.ts";
import { writeOwnCommands } from "./processes/own-commands.ts";
import { ProcessGroups } from "./processes/process-groups.ts";
import { Lifecycle } from "./scripts/lifecycle.ts";
import { LogBatches } from "./scripts/log-batches.ts";
import type { ScriptHost } from "./scripts/run-script.ts";
import { runStage, type StageOutcome } from "./scripts/run-stage.ts";
import { generateHostKey } from "./ssh/host-key.ts";
import { SshServer } from "./ssh/ssh-server.ts";
import { statsIntervalMs, statsOf } from "./stats.ts";
import { TunnelServer } from "./tunnel/tunnel-server.ts";
import { within } from "./within.ts";

// The life of an agent process.
//   connected → first manifest → directory, relay, start scripts → ready … told to end → stop scripts → off
//   E1  Start scripts run once per process, whatever the manifest says later.
//   E2  However it ends, no session and no process of the workspace outlives it; a process that was superseded leaves the stop
//       scripts to the one that took over.

const API_VERSION = "1.0";
/** Everything that is started here has it in its environment: that is how it is found at the end (E2). */
const MARK = "BERTH_AGENT_INCARNATION";
/** How long a replica may take to acknowledge our last words. */
const LAST_WORDS_MS = 5_000;
/** The plane does not wait for a workspace that it has ended. */
const REVOKED_STOP_MS = 30_000;
/** Scripts are slowed down when more than this waits to be sent. */
const BUSY_MESSAGES = 64;

export interface AgentOptions {
  readonly url: URL;
  readonly token: string;
  readonly logFolder: string;
  readonly inherited: Environment;
  /** How this program is started with other arguments. */
  readonly ownCommand: readonly string[];
  readonly log: Logger;
  /** Aborted when the process is told to end. */
  readonly signal: AbortSignal;
}

/** How an agent has ended. */
export type AgentEnd = PlaneEnd | "told";

export class Agent {
  readonly #options: AgentOptions;
  readonly #incarnation = newId<"incarnation">();
  readonly #identity = generateKeyPair();
  readonly #hostKey = generateHostKey();
  readonly #outbox = new Outbox();
  readonly #clock = new ServerClock();
  readonly #logs: LogBatches;
  readonly #lifecycle: Lifecycle;
  readonly #processes: ProcessGroups;
  readonly #workplace: AgentWorkplace;
  readonly #ssh: SshServer;
  readonly #plane: PlaneConnection;
  readonly #metadata: MetadataLoop;
  readonly #told: Deferred<"told"> = deferred();
  readonly #over = new AbortController();
  #manifest: agent.Manifest | undefined;
  #directory = "";
  #tunnel: TunnelServer | undefined;
  #manifests: Promise<void> = Promise.resolve();

  constructor(options: AgentOptions) {
    const { log } = options;
    const send = this.#outbox.add.bind(this.#outbox);
    this.#options = options;
    this.#logs = new LogBatches(send);
    this.#lifecycle = new Lifecycle(send);
    this.#processes = new ProcessGroups(`${MARK}=${this.#incarnation}`);
    this.#workplace = new AgentWorkplace({
      inherited: options.inherited,
      own: (manifest) => this.#ownVariables(manifest),
      binFolder: (manifest) => binFolder(dataFolder(manifest.agentId)),
      processes: this.#processes,
    });
    this.#ssh = new SshServer({ hostKey: this.#hostKey, workplace: this.#workplace, log });
    this.#metadata = new MetadataLoop({
      workplace: this.#workplace,
      send,
      hasRoom: () => this.#outbox.size < BUSY_MESSAGES,
    });
    this.#plane = new PlaneConnection({
      target: options.url.origin,
      token: options.token,
      hello: () => this.#hello(),
      outbox: this.#outbox,
      clock: this.#clock,
      relayRoundTripMs: () => this.#tunnel?.relayRoundTripMs,
      hear: (word) => this.#hear(word),
      log,
    });
  }

  /** Runs until there is nothing to come back to, or until told to end. */
  async run(): Promise<AgentEnd> {
    const { signal, log } = this.#options;
    const tell = () => this.#told.resolve("told");
    signal.addEventListener("abort", tell, { once: true });
    if (signal.aborted) tell();
    let end: AgentEnd = "told";
    try {
      end = await Promise.race([this.#plane.run(), this.#told.promise]);
      log.info("agent is ending", { because: end });
      await this.#stop(end);
    } finally {
      await this.#release();
    }
    return end;
  }

  #hear(word: PlaneWord): void {
    switch (word.$case) {
      case "manifest":
        this.#manifests = this.#manifests
          .then(() => this.#follow(word.value))
          .catch((error: unknown) => this.#options.log.error("a manifest could not be followed", { error }));
        return;
      case "endSessions":
        this.#manifests = this.#manifests.then(() => this.#tunnel?.endSessions(word.value));
        return;
      case "shutDown":
        return this.#told.resolve("told");
    }
  }

  async #follow(manifest: agent.Manifest): Promise<void> {
    if (this.#isOver()) return;
    const first = this.#manifest === undefined;
    this.#manifest = manifest;
    const complaint = await this.#workplace.apply(manifest);
    if (complaint !== undefined) this.#logs.add(manifest.agentLogSourceId, "warn", complaint);
    this.#tellDirectory();
    this.#metadata.follow(manifest.metadata);
    this.#tunnel?.follow(manifest);
    if (!first) return;
    this.#tunnel = new TunnelServer(
      {
        identity: this.#identity,
        planeUrl: this.#options.url.href,
        serverNow: () => this.#clock.now(),
        serveSsh: (stream) => this.#ssh.serve(stream),
        log: this.#options.log,
      },
      manifest,
    );
    void this.#reportStats(this.#tunnel);
    void this.#start(manifest); // E1
  }

  #tellDirectory(): void {
    const expandedDirectory = this.#workplace.folder();
    if (expandedDirectory === this.#directory) return;
    this.#directory = expandedDirectory;
    this.#outbox.add({ $case: "workingDirectory", value: { expandedDirectory } });
  }

  async #start(manifest: agent.Manifest): Promise<void> {
    this.#lifecycle.to(agent.LifecycleState.STARTING);
    await this.#prepareData(manifest);
    const scripts = manifest.scripts.filter(({ runOnStart }) => runOnStart);
    const outcome = await runStage(scripts, this.#scriptHost(manifest), (done) => this.#complete(done));
    this.#lifecycle.to(STARTED[outcome]);
    this.#options.log.info("start scripts are done", { scripts: scripts.length, outcome });
  }

  async #prepareData({ agentId, agentLogSourceId }: agent.Manifest): Promise<void> {
    const folder = dataFolder(agentId);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeOwnCommands(binFolder(folder), this.#options.ownCommand);
    } catch (error) {
      this.#logs.add(agentLogSourceId, "warn", `the folder ${folder} cannot be used: ${messageOf(error)}`);
    }
  }

  /** The lines of a script reach the plane before the word that it is done. */
  #complete(message: Parameters<Outbox["add"]>[0]): void {
    this.#logs.flush();
    this.#outbox.add(message);
  }

  async #stop(end: AgentEnd): Promise<void> {
    const manifest = this.#manifest;
    if (end === "superseded" || manifest === undefined) return; // E2
    this.#lifecycle.to(agent.LifecycleState.SHUTTING_DOWN);
    const scripts = manifest.scripts.filter(({ runOnStop }) => runOnStop);
    const stopped = runStage(scripts, this.#scriptHost(manifest), (done) => this.#complete(done));
    if (end === "token_revoked") {
      await within(REVOKED_STOP_MS, stopped);
      return;
    }
    this.#lifecycle.to(STOPPED[await stopped]);
    this.#logs.flush();
    await within(LAST_WORDS_MS, this.#outbox.empty());
  }

  async #release(): Promise<void> {
    this.#over.abort();
    this.#metadata[Symbol.dispose]();
    await this.#tunnel?.close();
    this.#ssh.close();
    this.#plane.close();
    await this.#processes.endAll();
    this.#logs.flush();
    const { agentId } = this.#manifest ?? {};
    if (agentId !== undefined) await rm(dataFolder(agentId), { recursive: true, force: true });
  }

  async #reportStats(tunnel: TunnelServer): Promise<void> {
    for (;;) {
      await sleep(statsIntervalMs(this.#manifest), this.#over.signal);
      if (this.#isOver()) return;
      this.#plane.sendStats(statsOf(tunnel.traffic.report(), this.#ssh));
    }
  }

  #scriptHost(manifest: agent.Manifest): ScriptHost {
    return {
      workplace: this.#workplace,
      logFolder: this.#options.logFolder,
      dataFolder: dataFolder(manifest.agentId),
      line: (source, level, text) => this.#logs.add(source, level, text),
      ready: async () => {
        if (this.#outbox.size >= BUSY_MESSAGES) await sleep(50);
      },
    };
  }

  #ownVariables(manifest: agent.Manifest): Record<string, string> {
    return {
      CODER: "true",
      CODER_WORKSPACE_NAME: manifest.workspaceName,
      CODER_WORKSPACE_OWNER_NAME: manifest.ownerUsername,
      CODER_WORKSPACE_AGENT_NAME: manifest.agentName,
      CODER_AGENT_URL: this.#options.url.href,
      CODER_AGENT_TOKEN: this.#options.token,
      CODER_SCRIPT_BIN_DIR: binFolder(dataFolder(manifest.agentId)),
      [MARK]: this.#incarnation,
    };
  }

  #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  #hello(): agent.AgentHello {
    return {
      incarnation: this.#incarnation,
      publicKey: this.#identity.publicKey,
      version,
      apiVersion: API_VERSION,
      operatingSystem: platform(),
      architecture: arch() === "x64" ? "amd64" : arch(),
      expandedDirectory: this.#directory,
      sshHostKey: this.#hostKey.publicLine,
      subsystems: [],
      traceparent: "",
      hostname: hostname(),
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
