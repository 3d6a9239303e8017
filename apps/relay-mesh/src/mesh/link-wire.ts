import { relay } from "@berth/contract";

const { link, watchPresence } = relay.RelayMeshServiceService;

/** Field 1 of LinkResponse and field 2 of LinkRequest, both `bytes`. */
const RESPONSE_TAG = 0x0a;
const REQUEST_TAG = 0x12;
/** Room before a batch for its tag and length: what a batch is encoded with, so that it is never copied. */
export const HEADROOM = 6;

/** Which way a batch goes: the answering relay sends responses, a dialer that cannot be dialed sends requests. */
export type LinkDirection = "response" | "request";

/**
 * Puts tag and length right before the batch that lies in `slab[start…end]`, and answers the whole message.
 * `HEADROOM` bytes before `start` must be free.
 */
export function encodeBatch(direction: LinkDirection, slab: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  const digits = length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4;
  const from = start - digits - 1;
  slab[from] = direction === "response" ? RESPONSE_TAG : REQUEST_TAG;
  for (let digit = 0; digit < digits; digit += 1)
    slab[from + 1 + digit] = ((length >>> (7 * digit)) & 0x7f) | (digit < digits - 1 ? 0x80 : 0);
  return slab.subarray(from, end);
}

/** The frames of a message of one field, as `encodeBatch` makes it; undefined when it says anything else. */
function plainBatch(tag: number, message: Buffer): Buffer | undefined {
  if (message[0] !== tag) return undefined;
  let length = 0;
  for (let at = 1; at <= 4; at += 1) {
    const byte = message[at] ?? 0;
    length |= (byte & 0x7f) << (7 * (at - 1));
    if (byte < 0x80) return at + 1 + length === message.length ? message.subarray(at + 1) : undefined;
  }
  return undefined;
}

/** What passes on a Link towards the answering relay. A sent batch is whole (`encodeBatch`), a received one is its frames. */
export type LinkUp = { readonly hello: relay.Hello } | { readonly batch: Buffer };

/** What generated code makes of LinkRequest and LinkResponse, less its copies of the frames. */
export const meshService = {
  link: {
    ...link,
    requestSerialize: (sent: LinkUp): Buffer =>
      "batch" in sent
        ? sent.batch
        : link.requestSerialize({ message: { $case: "hello", value: sent.hello } }),
    requestDeserialize: (bytes: Buffer): LinkUp => {
      const batch = plainBatch(REQUEST_TAG, bytes);
      if (batch !== undefined) return { batch };
      const { message } = link.requestDeserialize(bytes);
      return message?.$case === "hello"
        ? { hello: message.value }
        : { batch: message?.value ?? Buffer.alloc(0) };
    },
    responseSerialize: (sent: Buffer): Buffer => sent,
    responseDeserialize: (bytes: Buffer): Buffer =>
      plainBatch(RESPONSE_TAG, bytes) ?? link.responseDeserialize(bytes).frames,
  },
  watchPresence,
};
