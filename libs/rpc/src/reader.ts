import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";

/**
 * The messages of a call, with back-pressure. It ends with the call; when the call failed it throws what `failure` answers,
 * after everything that came before.
 */
export async function* readMessages<Message>(
  from: Readable,
  failure: () => Error | undefined,
): AsyncGenerator<Message> {
  try {
    const messages: AsyncIterable<Message> = from.iterator({ destroyOnReturn: false });
    yield* messages;
  } catch (error) {
    throw failure() ?? error;
  }
  await setImmediate(); // a call that was reset looks ended for a moment
  const failed = failure();
  if (failed !== undefined) throw failed;
}
