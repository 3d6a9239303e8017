import { CodedError } from "@berth/std";
import { isTunnelService } from "./ticket-claims.ts";
import type { StreamTarget } from "./types.ts";

const MAX_TARGET_BYTES = 1024;

/** The first bytes of a stream: `length 2 | JSON`. */
export function encodeTarget(target: StreamTarget): Buffer {
  const json = Buffer.from(JSON.stringify(target));
  if (json.length > MAX_TARGET_BYTES)
    throw new CodedError("invalid_argument", `opening a stream: its target has ${json.length} bytes`);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(json.length);
  return Buffer.concat([head, json]);
}

/** The target at the head of a stream's bytes and where it ends; undefined while bytes are missing. */
export function decodeTarget(bytes: Buffer): { target: StreamTarget; end: number } | undefined {
  if (bytes.length < 2) return undefined;
  const end = 2 + bytes.readUInt16BE(0);
  if (end > 2 + MAX_TARGET_BYTES) throw new CodedError("invalid_argument", "a stream's target is too long");
  if (bytes.length < end) return undefined;
  return { target: parseTarget(bytes.toString("utf8", 2, end)), end };
}

function parseTarget(json: string): StreamTarget {
  const { service, host, port } = parseObject(json);
  if (!isTunnelService(service))
    throw new CodedError("unimplemented", `this peer does not serve ${JSON.stringify(service)}`);
  return {
    service,
    ...(typeof host === "string" && { host }),
    ...(typeof port === "number" && { port }),
  };
}

function parseObject(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null) return { ...value };
  } catch {
    // said below
  }
  throw new CodedError("invalid_argument", "a stream's target is no JSON object");
}
