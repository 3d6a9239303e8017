import { type HttpClient, type ProvisionerJobLog, routes, type WorkspaceBuild } from "@berth/http-api";
import { CodedError, sleep } from "@berth/std";
import { BuildProgress } from "./build-progress.ts";
import { followLog } from "./follow-log.ts";
import type { Terminal } from "./terminal.ts";

const QUEUE_POLL_MS = 1_000;

/** Something with a job whose log can be followed: a build or an import. */
interface Watched<T> {
  readonly logs: typeof routes.listWorkspaceBuildLogs | typeof routes.listTemplateVersionLogs;
  readonly params: Readonly<Record<string, string>>;
  readonly read: () => Promise<T>;
}

/** Shows a build until it has ended. @throws CodedError with the build's own error when it failed, or the signal's reason. */
export async function showBuild(
  terminal: Terminal,
  client: HttpClient,
  build: WorkspaceBuild,
  signal?: AbortSignal,
): Promise<WorkspaceBuild> {
  return showJob(
    terminal,
    client,
    {
      logs: routes.listWorkspaceBuildLogs,
      params: { build: build.id },
      read: () => client.call(routes.getWorkspaceBuild, { params: { build: build.id } }),
    },
    `build ${build.build_number} of ${build.workspace_name}`,
    signal,
  );
}

/** Shows any job until it has ended, and why it waits before that. */
export async function showJob<T extends Pick<WorkspaceBuild, "job">>(
  terminal: Terminal,
  client: HttpClient,
  watched: Watched<T>,
  what: string,
  signal?: AbortSignal,
): Promise<T> {
  using progress = new BuildProgress(terminal);
  const begun = new AbortController();
  const waiting = showQueue(progress, watched, begun.signal);
  try {
    const options = { params: watched.params, ...(signal === undefined ? {} : { signal }) };
    for await (const line of followLog<ProvisionerJobLog>(client, watched.logs, options)) {
      begun.abort();
      progress.add(line);
    }
    signal?.throwIfAborted();
  } finally {
    begun.abort();
    await waiting;
  }
  const done = await watched.read();
  progress.end(done.job.status === "succeeded");
  if (done.job.status === "succeeded") return done;
  throw new CodedError(
    "aborted",
    [`${what} ${done.job.status}`, ...(done.job.error === undefined ? [] : [done.job.error])].join(": "),
  );
}

/** Tells why the job waits, while it does. When nobody answers there is nothing to tell: the log itself is what must be had. */
async function showQueue<T extends Pick<WorkspaceBuild, "job">>(
  progress: BuildProgress,
  { read }: Watched<T>,
  begun: AbortSignal,
): Promise<void> {
  await sleep(QUEUE_POLL_MS, begun);
  while (!begun.aborted) {
    const job = await read().then(
      ({ job }) => job,
      () => undefined,
    );
    if (job !== undefined && job.status !== "pending") return;
    if (job !== undefined) progress.wait(reasonOf(job));
    await sleep(QUEUE_POLL_MS, begun);
  }
}

function reasonOf(job: WorkspaceBuild["job"]): string {
  const place = job.queue_position > 0 ? `${job.queue_position} of ${job.queue_size} in the queue` : "";
  return [job.waiting_reason ?? "Waiting for a provisioner", place].filter(Boolean).join(" · ");
}
