import {
  DerpProtocolError,
  Frame,
  FrameReader,
  HEADER_BYTES,
  decodeClientInfo,
  encodeHealth,
  encodeServerInfo,
  encodeServerKey,
} from "@berth/derp";
import type { Connection } from "./connection.ts";
import type { Relay } from "./relay.ts";
import type { ByteStream } from "./transport.ts";

/** From the upgrade to ClientInfo. */
const HANDSHAKE_MS = 10_000;

/**
 * Serves one client: `preamble` and ServerKey go out, ClientInfo comes in, ServerInfo goes out, then frames until the end.
 * Whoever is refused hears the reason as Health before the close.
 */
export function serve(relay: Relay, stream: ByteStream, preamble: Buffer): void {
  let connection: Connection | undefined;
  let over = false;
  const deadline = setTimeout(() => stream.destroy(), HANDSHAKE_MS);
  const hear = (type: number, buffer: Buffer, start: number, end: number) => {
    if (connection !== undefined) return connection.hear(type, buffer, start, end);
    if (over) return;
    connection = greet(relay, stream, type, buffer.subarray(start + HEADER_BYTES, end));
    over = connection === undefined;
    clearTimeout(deadline);
  };
  const reader = new FrameReader("relay", hear, (type, parts) => {
    if (connection !== undefined) return connection.hearParts(type, parts);
    const whole = Buffer.concat(parts.map(({ chunk, start, end }) => chunk.subarray(start, end))); // a ClientInfo of many kilobytes
    hear(type, whole, 0, whole.length);
  });
  const read = (chunk: Buffer) => {
    if (over) return;
    try {
      reader.read(chunk);
      connection?.endOfRead(performance.now());
    } catch (thrown) {
      over = true;
      const broken = thrown instanceof DerpProtocolError;
      if (!broken) relay.events.connectionFailed(thrown);
      if (connection === undefined) stream.destroy();
      else relay.ended(connection, broken ? "broke the protocol" : "fault");
    }
  };
  const ended = () => {
    over = true;
    clearTimeout(deadline);
    if (connection !== undefined) relay.ended(connection, "left");
  };
  stream.write([preamble, encodeServerKey(relay.keys.publicKey)], () => undefined);
  stream.listen(read, ended);
}

/** The connection of a client that is let in. */
function greet(relay: Relay, stream: ByteStream, type: number, payload: Buffer): Connection | undefined {
  if (type !== Frame.clientInfo.code) throw new DerpProtocolError("the first frame must be ClientInfo");
  const { clientKey, said, box } = decodeClientInfo(relay.keys, payload);
  const verdict = relay.admission(clientKey, said);
  if (verdict.admitted) return relay.arrive(stream, clientKey, said, encodeServerInfo(box));
  relay.tally.refusals += 1;
  relay.events.clientRefused(clientKey, verdict.reason);
  stream.write([encodeHealth(`refused: ${verdict.reason}`)], () => stream.end());
  return undefined;
}
