import { rm } from "node:fs/promises";
import { type Deferred, deferred, messageOf, sleep } from "@berth/std";
import type { Environment } from "@berth/config";
import type { agent } from "@berth/contract";
import type { Logger } from "@berth/telemetry";
import { binFolder, dataFolder } from "./data-folder.ts";
import { Identity } from "./identity.ts";
import { MetadataLoop } from "./metadata/metadata-loop.ts";
import { Outbox } from "./plane/outbox.ts";
import { PlaneConnection, type PlaneEnd } from "./plane/plane-connection.ts";
import type { PlaneWord } from "./plane/plane-line.ts";
import { ServerClock } from "./plane/server-clock.ts";
import { AgentWorkplace } from "./processes/agent-workplace.ts";
import { ProcessGroups } from "./processes/process-groups.ts";
import { Stages } from "./scripts/stages.ts";
import { SshServer } from "./ssh/ssh-server.ts";
import { statsIntervalMs, statsOf } from "./stats.ts";
import { EndedSessions } from "./tunnel/ended-sessions.ts";
import { TunnelServer } from "./tunnel/tunnel-server.ts";
import { within } from "./within.ts";

// The life of an agent process.
//   connected → first manifest → directory, relay, start scripts → ready … told to end → stop scripts → off
//   E1  Start scripts run once per process, whatever the manifest says later.
//   E2  However it ends, no session and no process of the workspace outlives it; a process that was superseded leaves the stop
//       scripts, and what scripts keep, to the one that took over.

/** How long a replica may take to acknowledge our last words. */
const LAST_WORDS_MS = 5_000;
/** The plane does not wait for a workspace that it has ended. */
const REVOKED_STOP_MS = 30_000;
/** With more waiting to be sent, figures are not measured for the queue. */
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
  readonly #identity = new Identity();
  readonly #outbox = new Outbox();
  readonly #clock = new ServerClock();
  readonly #processes = new ProcessGroups(this.#identity.mark.join("="));
  readonly #ended = new EndedSessions();
  readonly #workplace: AgentWorkplace;
  readonly #stages: Stages;
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
    const { log, logFolder, ownCommand } = options;
    const outbox = this.#outbox;
    const workplace = new AgentWorkplace({
      inherited: options.inherited,
      own: (manifest) => this.#ownVariables(manifest),
      binFolder: ({ agentId }) => binFolder(dataFolder(agentId)),
      processes: this.#processes,
    });
    this.#options = options;
    this.#workplace = workplace;
    this.#stages = new Stages({ outbox, workplace, logFolder, ownCommand, log });
    this.#ssh = new SshServer({ hostKey: this.#identity.hostKey, workplace, log });
    this.#metadata = new MetadataLoop({
      workplace,
      send: (message) => outbox.add(message),
      hasRoom: () => outbox.size < BUSY_MESSAGES,
    });
    this.#plane = new PlaneConnection({
      target: options.url.origin,
      token: options.token,
      hello: () => this.#identity.hello(this.#directory),
      outbox,
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
      await this.#release(end);
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
        this.#ended.add(word.value);
        return this.#tunnel?.endSessions();
      case "shutDown":
        return this.#told.resolve("told");
    }
  }

  async #follow(manifest: agent.Manifest): Promise<void> {
    if (this.#isOver()) return;
    const first = this.#manifest === undefined;
    this.#manifest = manifest;
    const complaint = await this.#workplace.apply(manifest);
    if (complaint !== undefined) this.#stages.warn(manifest, complaint);
    this.#tellDirectory();
    this.#metadata.follow(manifest.metadata);
    this.#tunnel?.follow(manifest);
    if (!first || this.#isOver()) return;
    this.#tunnel = this.#openTunnel(manifest);
    void this.#reportStats(this.#tunnel);
    void this.#stages.start(manifest); // E1
  }

  #openTunnel(manifest: agent.Manifest): TunnelServer {
    return new TunnelServer(
      {
        identity: this.#identity.keys,
        planeUrl: this.#options.url.href,
        serverNow: () => this.#clock.now(),
        ended: this.#ended,
        serveSsh: (stream) => this.#ssh.serve(stream),
        log: this.#options.log,
      },
      manifest,
    );
  }

  #tellDirectory(): void {
    const expandedDirectory = this.#workplace.folder();
    if (expandedDirectory === this.#directory) return;
    this.#directory = expandedDirectory;
    this.#outbox.add({ $case: "workingDirectory", value: { expandedDirectory } });
  }

  async #reportStats(tunnel: TunnelServer): Promise<void> {
    for (;;) {
      await sleep(statsIntervalMs(this.#manifest), this.#over.signal);
      if (this.#isOver()) return;
      this.#plane.sendStats(statsOf(tunnel.traffic.report(), this.#ssh));
    }
  }

  async #stop(end: AgentEnd): Promise<void> {
    if (end === "superseded" || this.#manifest === undefined) return; // E2
    if (end === "token_revoked") return this.#stages.stop(this.#manifest, REVOKED_STOP_MS);
    await this.#stages.stop(this.#manifest);
    await within(LAST_WORDS_MS, this.#outbox.empty());
  }

  async #release(end: AgentEnd): Promise<void> {
    this.#over.abort();
    this.#metadata[Symbol.dispose]();
    await this.#tunnel?.close();
    this.#ssh.close();
    this.#plane.close();
    await this.#processes.endAll();
    if (this.#manifest === undefined || end === "superseded") return; // E2
    const folder = dataFolder(this.#manifest.agentId);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) =>
      this.#options.log.warn("what scripts kept could not be removed", { folder, reason: messageOf(error) }),
    );
  }

  #ownVariables(manifest: agent.Manifest): Record<string, string> {
    const [mark, incarnation] = this.#identity.mark;
    return {
      CODER: "true",
      CODER_WORKSPACE_NAME: manifest.workspaceName,
      CODER_WORKSPACE_OWNER_NAME: manifest.ownerUsername,
      CODER_WORKSPACE_AGENT_NAME: manifest.agentName,
      CODER_AGENT_URL: this.#options.url.href,
      CODER_AGENT_TOKEN: this.#options.token,
      CODER_SCRIPT_BIN_DIR: binFolder(dataFolder(manifest.agentId)),
      [mark]: incarnation,
    };
  }

  #isOver(): boolean {
    return this.#over.signal.aborted;
  }
}
