import type { ServerUnaryCall } from "@grpc/grpc-js";
import { CodedError } from "@berth/std";
import { type Logger, type Metrics, withSpan } from "@berth/telemetry";
import { PROOF } from "./handshake.ts";
import type { Call } from "./method.ts";
import type { Audience } from "./mount.ts";
import type { OpenCalls } from "./open-calls.ts";
import type { KeyHolder } from "./proof.ts";
import { codeName, statusOf } from "./status.ts";

/** Any call as grpc-js gives it. */
export type GrpcCall = Pick<ServerUnaryCall<unknown, unknown>, "getPath" | "getPeer" | "metadata"> &
  NodeJS.EventEmitter;

/** What every call passes: admission, proof, counting, span, timing, and the translation of what it throws. */
export interface Gate {
  readonly keys: KeyHolder;
  readonly open: OpenCalls;
  /** Aborted when streams should move; `refusing` is set when nothing new is taken. */
  readonly draining: AbortSignal;
  readonly refusing: () => boolean;
  readonly closed: AbortSignal;
  readonly log: Logger;
  readonly timings: Timings;
}

type Timings = ReturnType<typeof openTimings>;

/** The metrics of calls. */
export function openTimings(metrics: Metrics) {
  const buckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300];
  return {
    open: metrics.gauge("berth_rpc_open_calls", "Calls being served", ["method"]),
    seconds: metrics.histogram("berth_rpc_call_seconds", "Length of calls served", buckets, [
      "method",
      "code",
    ]),
  };
}

/** Runs one call through the gate. @throws StatusObject, and nothing else */
export async function passGate<T>(
  gate: Gate,
  call: GrpcCall,
  audience: Audience,
  work: (context: Call) => Promise<T>,
): Promise<T> {
  const path = call.getPath();
  const leave = gate.open.enter();
  const ended = new AbortController();
  const began = performance.now();
  const gone = () => ended.abort();
  call.on("cancelled", gone);
  gate.timings.open.add(1, { method: path });
  try {
    if (gate.refusing()) throw new CodedError("unavailable", "this replica is leaving, ask another");
    if (audience === "internal") gate.keys.check(path, headerOf(call, PROOF));
    const context = contextOf(call, gate, ended.signal);
    const traceparent = headerOf(call, "traceparent");
    const result = await withSpan(spanName(path), () => work(context), { traceparent });
    gate.timings.seconds.observe(secondsSince(began), { method: path, code: "ok" });
    return result;
  } catch (error) {
    const status = statusOf(error);
    if (!(error instanceof CodedError) || error.code === "internal")
      gate.log.error("rpc failed", { method: path, error });
    gate.timings.seconds.observe(secondsSince(began), { method: path, code: codeName(status.code) });
    throw status; // eslint-disable-line @typescript-eslint/only-throw-error -- grpc-js wants the status itself
  } finally {
    gate.timings.open.add(-1, { method: path });
    call.off("cancelled", gone);
    ended.abort();
    leave();
  }
}

function contextOf(call: GrpcCall, gate: Gate, ended: AbortSignal): Call {
  return {
    header: (name) => headerOf(call, name),
    peer: peerOf(call),
    signal: AbortSignal.any([ended, gate.closed]),
    draining: gate.draining,
  };
}

/** grpc-js says `unknown` of a socket without a remote address: a Unix socket, or a WebSocket's stream. */
function peerOf(call: GrpcCall): string {
  const peer = call.getPeer();
  return peer === "unknown" ? "unix" : peer;
}

function headerOf(call: GrpcCall, name: string): string | undefined {
  return call.metadata.get(name)[0]?.toString();
}

/** `/berth.registry.v1.ReplicaRegistryService/JoinCluster` is `registry.JoinCluster`. */
export function spanName(path: string): string {
  const [, area, method] = /^\/\w+\.(\w+)\..*\/(\w+)$/.exec(path) ?? [];
  return area === undefined ? path.slice(1) : `${area}.${method ?? ""}`;
}

const secondsSince = (began: number) => (performance.now() - began) / 1000;
