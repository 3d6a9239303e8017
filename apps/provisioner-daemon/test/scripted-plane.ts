import { createHash, randomUUID } from "node:crypto";
import { durationFromMs, provisioner } from "@berth/contract";
import { type Call, type Listener, type Stream, openListener } from "@berth/rpc";
import { CodedError, sleep } from "@berth/std";
import { createMetrics } from "@berth/telemetry";
import { recordedLog, temporaryFolder } from "@berth/testing";

type JobStream = Stream<provisioner.RunJobRequest, provisioner.RunJobResponse>;
type AcquireStream = Stream<provisioner.AcquireJobRequest, provisioner.AcquireJobResponse>;
export type Message = NonNullable<provisioner.RunJobRequest["message"]>;

type ValueOf = { [M in Message as M["$case"]]: M["value"] };

/** A control plane in memory that speaks the real contract, and misbehaves on demand. */
export class ScriptedPlane implements AsyncDisposable {
  /** What was committed, in order. */
  readonly committed: Message[] = [];
  readonly handedIn: provisioner.HandInRequest[] = [];
  readonly hellos: provisioner.DaemonHello[] = [];
  readonly attaches: provisioner.Attach[] = [];
  readonly downloads: string[] = [];
  readonly headers: (string | undefined)[] = [];
  /** A reason to refuse every call with. */
  refusal: CodedError | undefined;
  /** Hears, and answers nothing. */
  silent = false;
  /** Asks whoever attaches to go elsewhere, as a replica that drains does; its answers take as long as a database's. */
  draining = false;
  /** Answers beats, and that its database is away. */
  databaseAway = false;
  /** The stream is cut once in place of the answer to such a message. */
  readonly cutBeforeAnswering: Message["$case"][] = [];
  quotaOk = true;
  /** Messages that come and are not committed. */
  readonly withheld: Message["$case"][] = [];
  /** What came on job streams, committed or not, and what was handed in, as `attach <job>`, `beginApply`, `handIn <job>` … */
  readonly heard: string[] = [];
  readonly #listener: Listener;
  readonly #files = new Map<string, Buffer>();
  readonly #offers: provisioner.Job[] = [];
  readonly #epochs = new Map<string, bigint>();
  readonly #sequences = new Map<string, bigint>();
  #cancelRequested = false;
  #deliver: (() => void) | undefined;
  readonly #streams = new Set<{ stream: JobStream; cut: (error: CodedError) => void }>();

  private constructor(listener: Listener) {
    this.#listener = listener;
  }

  static async open(): Promise<ScriptedPlane> {
    const folder = await temporaryFolder();
    const listener = await openListener({
      address: { host: "127.0.0.1", port: 0 },
      folder: folder.path,
      log: recordedLog(),
      metrics: createMetrics(),
    });
    const plane = new ScriptedPlane(listener);
    listener.grpc(
      provisioner.ProvisionerDaemonServiceService,
      {
        acquireJob: (stream, call) => plane.#acquire(stream, call),
        runJob: (stream) => plane.#run(stream),
        downloadFile: (request, stream) => plane.#download(request, stream),
        handIn: (request) => plane.#handIn(request),
      },
      "public",
    );
    return plane;
  }

  get url(): string {
    return `http://${this.#listener.address}`;
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Keeps a file for download and answers its reference. */
  store(bytes: Buffer, fileId: string = randomUUID()): provisioner.FileRef {
    this.#files.set(fileId, bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { fileId, sha256, sizeBytes: BigInt(bytes.length) };
  }

  /** Offers a job to the daemon that is or will be ready. */
  offer(job: provisioner.Job): void {
    this.#epochs.set(job.jobId, job.epoch);
    this.#offers.push(job);
    this.#deliver?.();
  }

  /** Cancels the job as a user does. */
  cancel(): void {
    this.#cancelRequested = true;
    for (const { stream } of this.#streams) stream.send({ message: { $case: "cancel", value: {} } });
  }

  /** Ends every job stream, as a replica that dies does. */
  cut(): void {
    for (const { cut } of this.#streams) cut(new CodedError("unavailable", "cut"));
  }

  /** Fences the streams and not the job, as an attach does that was long under way. */
  fenceStreams(): void {
    for (const { cut } of this.#streams) cut(new CodedError("aborted", "a newer attachment"));
  }

  /** Gives the job to somebody else. */
  fence(jobId: string): void {
    this.#epochs.set(jobId, (this.#epochs.get(jobId) ?? 0n) + 1n);
    for (const { cut } of this.#streams) cut(new CodedError("aborted", "fenced"));
  }

  /** Asks the daemon to go elsewhere. */
  move(): void {
    for (const { stream } of this.#streams) stream.send({ message: { $case: "move", value: {} } });
  }

  /** Committed messages of one kind. */
  of<Case extends Message["$case"]>($case: Case): ValueOf[Case][] {
    return this.committed
      .filter((message) => message.$case === $case)
      .map((message) => message.value as ValueOf[Case]); // what the filter has just said
  }

  /** Everything the log says, in order. */
  get logLines(): provisioner.LogLine[] {
    return this.of("logs").flatMap(({ lines }) => lines);
  }

  get logText(): string {
    return this.logLines.map(({ output }) => output).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener.close();
  }

  async #acquire(stream: AcquireStream, call: Call): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    this.headers.push(call.header("coder-provisioner-daemon-psk"));
    let isReady = false;
    const deliver = () => {
      const [job] = isReady ? this.#offers : [];
      if (job === undefined) return;
      isReady = false;
      stream.send({ message: { $case: "job", value: job } });
    };
    this.#deliver = deliver;
    for await (const { message } of stream) {
      if (this.silent) continue;
      if (message?.$case === "hello") {
        this.hellos.push(message.value);
        const silence = durationFromMs(5_000);
        stream.send({ message: { $case: "welcome", value: { replicaId: "plane", silence } } });
      }
      if (message?.$case === "ready") {
        isReady = true;
        deliver();
      }
      if (message?.$case === "accepted")
        this.#offers.splice(
          this.#offers.findIndex(({ jobId }) => jobId === message.value.jobId),
          1,
        );
      if (message?.$case === "beat")
        stream.send({
          message: { $case: "beat", value: { sequence: message.value.sequence, committed: true } },
        });
    }
  }

  async #run(stream: JobStream): Promise<void> {
    const cut = Promise.withResolvers<never>();
    const entry = { stream, cut: cut.reject };
    this.#streams.add(entry);
    try {
      await Promise.race([this.#serve(stream, cut.reject), cut.promise]);
    } finally {
      this.#streams.delete(entry);
    }
  }

  async #serve(stream: JobStream, cut: (error: CodedError) => void): Promise<void> {
    let jobId = "";
    for await (const { sequence, message } of stream) {
      if (this.refusal !== undefined) throw this.refusal;
      if (message === undefined || this.silent) continue;
      if (message.$case === "attach") {
        jobId = message.value.jobId;
        this.attaches.push(message.value);
        this.heard.push(`attach ${jobId}`);
        if (this.#epochs.get(jobId) !== message.value.epoch) throw new CodedError("aborted", "fenced");
        const committedSequence = this.#sequences.get(jobId) ?? 0n;
        const cancelRequested = this.#cancelRequested;
        stream.send({
          message: { $case: "attached", value: { committedSequence, subEpoch: 1n, cancelRequested } },
        });
        if (this.draining) stream.send({ message: { $case: "move", value: {} } });
        continue;
      }
      if (message.$case === "beat") {
        const committed = !this.databaseAway;
        stream.send({ message: { $case: "beat", value: { sequence: message.value.sequence, committed } } });
        continue;
      }
      this.heard.push(message.$case);
      if (this.databaseAway || this.withheld.includes(message.$case)) continue;
      if (this.draining) await sleep(20);
      if (this.#commit(jobId, sequence, message, stream, cut)) return;
    }
  }

  /** Commits, acknowledges and answers; answers whether the stream is over. */
  #commit(
    jobId: string,
    sequence: bigint,
    message: Message,
    stream: JobStream,
    cut: (error: CodedError) => void,
  ): boolean {
    const before = this.#sequences.get(jobId) ?? 0n;
    if (sequence > before + 1n) throw new CodedError("internal", `message ${before + 1n} is missing`);
    if (sequence === before + 1n) {
      this.committed.push(message);
      this.#sequences.set(jobId, sequence);
    }
    const fault = this.cutBeforeAnswering.indexOf(message.$case);
    if (fault >= 0) {
      this.cutBeforeAnswering.splice(fault, 1);
      cut(new CodedError("unavailable", "cut before the answer"));
      return true;
    }
    if (message.$case === "beginApply")
      stream.send({ message: { $case: "applyBegun", value: { sequence } } });
    if (message.$case === "commitQuota") {
      const value = { sequence, ok: this.quotaOk, creditsConsumed: 3, budget: 4 };
      stream.send({ message: { $case: "quota", value } });
    }
    stream.send({ message: { $case: "ack", value: { sequence } } });
    return message.$case === "complete" || message.$case === "fail";
  }

  #download(
    { fileId }: provisioner.DownloadFileRequest,
    stream: Pick<Stream<never, provisioner.DownloadFileResponse>, "send">,
  ): Promise<void> {
    this.downloads.push(fileId);
    const bytes = this.#files.get(fileId);
    if (bytes === undefined) return Promise.reject(new CodedError("not_found", `no file ${fileId}`));
    const middle = Math.ceil(bytes.length / 2);
    for (const chunk of [bytes.subarray(0, middle), bytes.subarray(middle)])
      stream.send({ sha256: "", sizeBytes: 0n, chunk });
    return Promise.resolve();
  }

  #handIn(request: provisioner.HandInRequest): Promise<provisioner.HandInResponse> {
    if (this.refusal !== undefined) return Promise.reject(this.refusal);
    this.handedIn.push(request);
    this.heard.push(`handIn ${request.jobId}`);
    return Promise.resolve({ closed: true });
  }
}
