import { Box } from "./box.ts";
import { Frame, KEY_BYTES, MAGIC, PROTOCOL_VERSION } from "./frames.ts";
import { encodeFrame } from "./encode.ts";
import { isPublicKey, type KeyPair } from "./keys.ts";
import { DerpProtocolError } from "./protocol-error.ts";

/** What a client says of itself. Names on the wire are read in any case; unknown ones are ignored. */
export interface ClientInfo {
  readonly version: number;
  /** The client answers a relay's pings. */
  readonly canAckPings: boolean;
  readonly isProber: boolean;
  /** 64 hex digits: a stock relay that asks to be a mesh peer. */
  readonly meshKey?: string;
  readonly appName?: string;
  /** Berth's own field: the signed ticket that admits this client's key. Stock relays ignore it. */
  readonly berthTicket?: string;
}

/** What a relay says of itself. */
export interface ServerInfo {
  readonly version: number;
  readonly tokenBucketBytesPerSecond?: number;
  readonly tokenBucketBytesBurst?: number;
}

/** ServerKey: the first frame of every connection. */
export function encodeServerKey(publicKey: Buffer): Buffer {
  return encodeFrame(Frame.serverKey.code, MAGIC, publicKey);
}

/**
 * The relay's key from the payload of ServerKey; a longer tail is ignored.
 * @throws DerpProtocolError when it does not begin with the magic, or the key can belong to nobody.
 */
export function decodeServerKey(payload: Buffer): Buffer {
  if (!payload.subarray(0, MAGIC.length).equals(MAGIC))
    throw new DerpProtocolError("the server speaks something else");
  return checkedKey(payload.subarray(MAGIC.length, MAGIC.length + KEY_BYTES));
}

/** ClientInfo, sealed by the client for the relay's key. */
export function encodeClientInfo(client: KeyPair, serverKey: Buffer, said: Partial<ClientInfo>): Buffer {
  const json = {
    version: said.version ?? PROTOCOL_VERSION,
    CanAckPings: said.canAckPings ?? false,
    ...(said.isProber === true ? { IsProber: true } : {}),
    ...(said.meshKey === undefined ? {} : { meshKey: said.meshKey }),
    ...(said.appName === undefined ? {} : { AppName: said.appName }),
    ...(said.berthTicket === undefined ? {} : { berthTicket: said.berthTicket }),
  };
  const sealed = new Box(client.privateKey, serverKey).seal(Buffer.from(JSON.stringify(json)));
  return encodeFrame(Frame.clientInfo.code, client.publicKey, sealed);
}

/**
 * Opens the payload of ClientInfo. That it opens proves that the client owns its key. `box` seals the answer.
 * @throws DerpProtocolError when it does not open or is not what a client may say.
 */
export function decodeClientInfo(
  server: KeyPair,
  payload: Buffer,
): { clientKey: Buffer; said: ClientInfo; box: Box } {
  const clientKey = checkedKey(payload.subarray(0, KEY_BYTES));
  const box = new Box(server.privateKey, clientKey);
  const fields = parseFields(box.open(payload.subarray(KEY_BYTES)), "ClientInfo");
  const meshKey = fields.text("meshkey");
  if (meshKey !== undefined && meshKey !== "" && !/^[0-9a-f]{64}$/i.test(meshKey.trim()))
    throw new DerpProtocolError("a mesh key is 64 hex digits");
  const appName = fields.text("appname");
  const berthTicket = fields.text("berthticket");
  const said: ClientInfo = {
    version: fields.count("version") ?? 0,
    canAckPings: fields.flag("canackpings"),
    isProber: fields.flag("isprober"),
    ...(meshKey === undefined || meshKey === "" ? {} : { meshKey: meshKey.trim().toLowerCase() }),
    ...(appName === undefined ? {} : { appName }),
    ...(berthTicket === undefined ? {} : { berthTicket }),
  };
  return { clientKey, said, box };
}

/** ServerInfo, sealed with the box of the client's handshake. */
export function encodeServerInfo(box: Box, said: Partial<ServerInfo> = {}): Buffer {
  const json = {
    version: said.version ?? PROTOCOL_VERSION,
    ...(said.tokenBucketBytesPerSecond === undefined
      ? {}
      : { TokenBucketBytesPerSecond: said.tokenBucketBytesPerSecond }),
    ...(said.tokenBucketBytesBurst === undefined
      ? {}
      : { TokenBucketBytesBurst: said.tokenBucketBytesBurst }),
  };
  return encodeFrame(Frame.serverInfo.code, box.seal(Buffer.from(JSON.stringify(json))));
}

/**
 * Opens the payload of ServerInfo.
 * @throws DerpProtocolError when it does not open or is no JSON object.
 */
export function decodeServerInfo(client: KeyPair, serverKey: Buffer, payload: Buffer): ServerInfo {
  const fields = parseFields(new Box(client.privateKey, serverKey).open(payload), "ServerInfo");
  const perSecond = fields.count("tokenbucketbytespersecond");
  const burst = fields.count("tokenbucketbytesburst");
  return {
    version: fields.count("version") ?? 0,
    ...(perSecond === undefined ? {} : { tokenBucketBytesPerSecond: perSecond }),
    ...(burst === undefined ? {} : { tokenBucketBytesBurst: burst }),
  };
}

function checkedKey(key: Buffer): Buffer {
  if (!isPublicKey(key)) throw new DerpProtocolError("a public key is 32 bytes and not all zero");
  return Buffer.from(key); // a copy: the frame's buffer is not to be kept for 32 bytes of it
}

/** Reads a JSON object as Go does: names in any case, unknown ones ignored, null as absent, a wrong type refused. */
function parseFields(json: Buffer, what: string) {
  const parsed = parseObject(json, what);
  const byName = new Map(
    Object.entries(parsed).map(([name, value]) => [name.toLowerCase(), value ?? undefined]),
  );
  const wrong = (name: string) => new DerpProtocolError(`${what}: ${name} has a wrong type`);
  return {
    text(name: string): string | undefined {
      const value = byName.get(name);
      if (value !== undefined && typeof value !== "string") throw wrong(name);
      return value;
    },
    count(name: string): number | undefined {
      const value = byName.get(name);
      if (value !== undefined && (typeof value !== "number" || !Number.isInteger(value))) throw wrong(name);
      return value;
    },
    flag(name: string): boolean {
      const value = byName.get(name);
      if (value !== undefined && typeof value !== "boolean") throw wrong(name);
      return value ?? false;
    },
  };
}

function parseObject(json: Buffer, what: string): Record<string, unknown> {
  const parsed = parseJson(json, what);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new DerpProtocolError(`${what} is no JSON object`);
  return { ...parsed };
}

function parseJson(json: Buffer, what: string): unknown {
  try {
    return JSON.parse(json.toString("utf8"));
  } catch (cause) {
    throw new DerpProtocolError(`${what} is no JSON`, cause);
  }
}
