import { createHash } from "node:crypto";
import { CodedError, isUuid } from "@berth/std";
import type { provisioner } from "@berth/contract";
import type { Queryable } from "@berth/database";
import type { Call, Stream } from "@berth/rpc";
import type { EdgeContext } from "../edge-context.ts";
import { authenticateDaemon, type DaemonCaller } from "./authenticate.ts";

const CHUNK_BYTES = 2 << 20;
const STATE_PREFIX = "state:";

/** Sends a file that the caller's job needs, whole, in chunks. */
export async function downloadFile(
  edge: EdgeContext,
  request: provisioner.DownloadFileRequest,
  stream: Pick<Stream<never, provisioner.DownloadFileResponse>, "send" | "writable">,
  call: Call,
): Promise<void> {
  const caller = await authenticateDaemon(edge, call);
  const content = await readFile(edge.database.sql, caller, request);
  const sha256 = createHash("sha256").update(content).digest("hex");
  for (let at = 0; at === 0 || at < content.length; at += CHUNK_BYTES) {
    if (call.signal.aborted) return;
    const more = stream.send({
      sha256: at === 0 ? sha256 : "",
      sizeBytes: BigInt(at === 0 ? content.length : 0),
      chunk: content.subarray(at, at + CHUNK_BYTES),
    });
    if (!more) await stream.writable();
  }
}

/** @throws CodedError unless the job is open, of that epoch, held by a daemon of the caller's, and needs that file. */
async function readFile(
  sql: Queryable,
  caller: DaemonCaller,
  { jobId, epoch, fileId }: provisioner.DownloadFileRequest,
): Promise<Buffer> {
  const [job] = isUuid(jobId)
    ? await sql<{ file_id: string; workspace_id: string | null }[]>`
        select job.file_id, build.workspace_id from api.job
        join api.provisioner_daemon daemon on daemon.id = job.daemon_id and daemon.key_id = ${caller.keyId}
        left join api.workspace_build build on build.job_id = job.id
        where job.id = ${jobId} and job.epoch = ${Number(epoch)} and job.completed_at is null`
    : [];
  if (job === undefined) throw new CodedError("aborted", `job ${jobId} is not of epoch ${epoch} any more`);
  const content = fileId.startsWith(STATE_PREFIX)
    ? await readState(sql, job.workspace_id, fileId.slice(STATE_PREFIX.length))
    : await readArchive(sql, job.file_id, fileId);
  if (content === undefined) throw new CodedError("not_found", `job ${jobId} has no file ${fileId}`);
  return content;
}

async function readArchive(sql: Queryable, ownId: string, fileId: string): Promise<Buffer | undefined> {
  if (fileId !== ownId) return undefined;
  const [row] = await sql<{ content: Buffer }[]>`select content from api.file where id = ${fileId}`;
  return row?.content;
}

async function readState(
  sql: Queryable,
  workspaceId: string | null,
  buildId: string,
): Promise<Buffer | undefined> {
  if (!isUuid(buildId)) return undefined;
  const [row] = await sql<{ state: Buffer }[]>`
    select state from api.workspace_state join api.workspace_build build on build.id = workspace_build_id
    where build.id = ${buildId} and build.workspace_id = ${workspaceId}`;
  return row?.state;
}
