import type { ServiceError } from "@grpc/grpc-js";
import { Backoff, CodedError, sleep } from "@berth/std";
import { type Connection, type Opened, isWayError } from "./connection.ts";
import type { CallOptions, Method } from "./method.ts";
import { requestSerializer } from "./serializer.ts";
import { errorOf } from "./status.ts";

/** A call that says nothing of its deadline still has one. */
const DEADLINE_MS = 60_000;

/**
 * One request, one answer. `unavailable` and `aborted` are tried again, with jitter, until the deadline: the only place that
 * does so. While other targets have not been tried yet there is no pause.
 */
export async function callUnary(
  connection: Connection,
  method: Method,
  request: unknown,
  options: CallOptions,
): Promise<unknown> {
  const deadline = Date.now() + (options.deadlineMs ?? DEADLINE_MS);
  const signal = AbortSignal.any([connection.closing, ...(options.signal ? [options.signal] : [])]);
  const backoff = new Backoff({ firstMs: 100, maxMs: 5_000 });
  let before: unknown;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await callOnce(connection, method, request, { options, deadline, signal });
    } catch (error) {
      const untried = isWayError(error) && attempt < connection.targetCount;
      const pause = untried ? 0 : backoff.nextMs();
      if (isLate(error)) throw before ?? error; // why it was tried again says more than that the time is up
      if (!mayRetry(error) || signal.aborted || Date.now() + pause >= deadline) throw error;
      before = error;
      await sleep(pause, signal);
    }
  }
}

function isLate(error: unknown): boolean {
  return error instanceof CodedError && error.code === "deadline_exceeded";
}

function mayRetry(error: unknown): boolean {
  return error instanceof CodedError && (error.code === "unavailable" || error.code === "aborted");
}

interface Attempt {
  readonly options: CallOptions;
  readonly deadline: number;
  readonly signal: AbortSignal;
}

async function callOnce(
  connection: Connection,
  method: Method,
  request: unknown,
  { options, deadline, signal }: Attempt,
): Promise<unknown> {
  if (signal.aborted) throw cancelled(method);
  const opened = await connection.open(method.path, options, deadline);
  try {
    return await send(opened, method, request, deadline, signal);
  } catch (error) {
    if (isWayError(error)) connection.failed(opened.route, opened.client);
    if (error instanceof CodedError && error.code === "deadline_exceeded")
      connection.suspect(opened.route, opened.client);
    throw error;
  }
}

function send(
  { client, metadata, route }: Opened,
  method: Method,
  request: unknown,
  deadline: number,
  signal: AbortSignal,
): Promise<unknown> {
  if (signal.aborted) throw cancelled(method);
  return new Promise((resolve, reject) => {
    const answered = (error: ServiceError | null, response?: unknown) => {
      signal.removeEventListener("abort", cancel);
      if (error === null) resolve(response);
      else reject(errorOf(error, route.target.name));
    };
    const { path, responseDeserialize } = method;
    const call = client.makeUnaryRequest(
      path,
      requestSerializer(method),
      responseDeserialize,
      request,
      metadata,
      { deadline },
      answered,
    );
    const cancel = () => call.cancel();
    signal.addEventListener("abort", cancel);
  });
}

function cancelled(method: Method): CodedError {
  return new CodedError("cancelled", `${method.path}: given up by the caller`);
}
