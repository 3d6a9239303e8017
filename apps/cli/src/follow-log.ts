import { type HttpClient, type Route, urlOf } from "@berth/http-api";
import { openWebSocket } from "@berth/rpc";
import { Backoff, codeOf, sleep } from "@berth/std";

/** Whatever a log is made of: its id rises and is what `after` takes. */
interface Line {
  readonly id: number;
}

/** Where to follow, and from where on. */
export interface FollowOptions {
  readonly params: Readonly<Record<string, string>>;
  readonly after?: number;
  readonly signal?: AbortSignal;
}

/**
 * A log to its end. A replica that dies or drains is left for another, from the last line seen: no gap, no repeat.
 * It ends early when the signal is aborted.
 * @throws CodedError when the plane refuses (not found, not allowed).
 */
export async function* followLog<T extends Line>(
  client: HttpClient,
  route: Route,
  { params, after = 0, signal }: FollowOptions,
): AsyncGenerator<T> {
  const backoff = new Backoff({ firstMs: 50, maxMs: 5_000 });
  const seen = { after };
  while (signal?.aborted !== true) {
    try {
      const url = urlOf(client.url, route, params, { follow: true, after: seen.after });
      const options = { headers: client.headers, ...(signal === undefined ? {} : { signal }) };
      const socket = await openWebSocket(url, options);
      backoff.connected();
      const leave = () => socket.close();
      signal?.addEventListener("abort", leave);
      try {
        for await (const message of socket.messages)
          for (const line of linesOf<T>(message)) {
            seen.after = line.id;
            yield line;
          }
      } finally {
        signal?.removeEventListener("abort", leave);
        socket.close();
      }
      if ((await socket.closed).code === 1000) return;
    } catch (error) {
      if (!["unavailable", "cancelled"].includes(codeOf(error))) throw error; // cancelled: by the signal
    }
    await sleep(backoff.nextMs(), signal);
  }
}

/** A build's log has one line a message, an agent's an array of them. */
function linesOf<T>(message: string | Buffer): T[] {
  const parsed = JSON.parse(message.toString()) as T | T[];
  return Array.isArray(parsed) ? parsed : [parsed];
}
