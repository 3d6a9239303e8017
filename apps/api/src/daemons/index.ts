import { CodedError } from "@berth/std";
import { provisioner } from "@berth/contract";
import type { Mount } from "@berth/rpc";
import { databaseIsAway } from "../database-away.ts";
import type { EdgeContext } from "../edge-context.ts";
import { acquireJob } from "./acquire-job.ts";
import { Dispatcher } from "./dispatcher.ts";
import { downloadFile } from "./download-file.ts";
import { handIn } from "./hand-in.ts";
import { runJob } from "./run-job.ts";

/** Puts the daemons' service onto the listener, and begins to hand out jobs. */
export function serveDaemons(edge: EdgeContext, mount: Mount): Promise<void> {
  const dispatcher = new Dispatcher(edge);
  mount.grpc(
    provisioner.ProvisionerDaemonServiceService,
    {
      acquireJob: (stream, call) => sayWhenAway(acquireJob(edge, dispatcher, stream, call)),
      runJob: (stream, call) => sayWhenAway(runJob(edge, stream, call)),
      downloadFile: (request, stream, call) => sayWhenAway(downloadFile(edge, request, stream, call)),
      handIn: (request, call) => sayWhenAway(handIn(edge, request, call)),
    },
    "public",
  );
  return dispatcher.run();
}

/** A daemon retries what is unavailable: an absent database is not our bug, and not its fault. */
async function sayWhenAway<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CodedError || !databaseIsAway(error)) throw error;
    throw new CodedError("unavailable", "the database does not answer", { cause: error });
  }
}
