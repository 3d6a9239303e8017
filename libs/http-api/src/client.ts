import { Backoff, CodedError, messageOf, sleep } from "@berth/std";
import type { Static, TSchema } from "typebox";
import { Value } from "typebox/value";
import { ApiError, Response } from "./error.ts";
import type { Route, RouteOutput } from "./route.ts";
import { type Query, urlOf } from "./url.ts";

type Given<R extends Route, Part extends "params" | "body"> = R[Part] extends TSchema
  ? Readonly<Record<Part, Static<R[Part]>>>
  : unknown;

/** What a caller of a route gives: only the parts that the route has. */
export type CallInput<R extends Route> = Given<R, "params"> &
  Given<R, "body"> &
  (R["query"] extends TSchema ? { readonly query?: Static<R["query"]> } : unknown) &
  (R["bodyType"] extends "bytes" ? { readonly body: Uint8Array; readonly contentType: string } : unknown);

/** Options of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** Where the plane is, and who asks. */
export interface HttpClientOptions {
  /** `http(s)://host[:port][/path]`. */
  readonly url: string;
  readonly token?: string;
  /** Sent with every request, `User-Agent` for one; they win over our own. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly fetch?: typeof fetch;
  /** How long a request that certainly did nothing is tried again while nobody answers; 5 s unless told. */
  readonly patienceMs?: number;
  /** How long one answer may take; 60 s unless told. */
  readonly timeoutMs?: number;
}

/** Calls the public API by its declared routes. */
export interface HttpClient {
  /**
   * @throws ApiError when the plane answers with an error.
   * @throws CodedError `unavailable` when nobody answers.
   */
  call<R extends Route>(route: R, input: CallInput<R>, options?: CallOptions): Promise<RouteOutput<R>>;
  /** For streams: where to connect, and what to send along. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Parts {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
}

/** Opens nothing: every call is one request. */
export function createClient(options: HttpClientOptions): HttpClient {
  const headers: Record<string, string> = {
    accept: "application/json",
    ...(options.token === undefined ? {} : { "coder-session-token": options.token }),
    ...options.headers,
  };
  return {
    url: options.url,
    headers,
    async call<R extends Route>(route: R, input: CallInput<R>, { signal }: CallOptions = {}) {
      const parts = input as Parts;
      const url = urlOf(options.url, route, parts.params, parts.query);
      const answer = await send(route, options, url, requestOf(route, parts, headers), signal);
      return (await outputOf(route, url, answer)) as RouteOutput<R>;
    },
  };
}

function requestOf(route: Route, parts: Parts, headers: Readonly<Record<string, string>>): RequestInit {
  if (parts.body === undefined) return { method: route.method, headers };
  if (route.bodyType === "bytes")
    return {
      method: route.method,
      headers: { ...headers, "content-type": parts.contentType ?? "application/octet-stream" },
      body: parts.body as Uint8Array<ArrayBuffer>,
    };
  return {
    method: route.method,
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(parts.body),
  };
}

/** Sends it, and again while that cannot do anything twice: a question, or a connection that was never made. */
async function send(
  route: Route,
  options: HttpClientOptions,
  url: URL,
  request: RequestInit,
  signal?: AbortSignal,
) {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1000 });
  const giveUpAt = performance.now() + (options.patienceMs ?? 5000);
  while (true) {
    const outcome = await attempt(options, url, request, signal);
    const again =
      outcome instanceof globalThis.Response
        ? route.method === "GET" && [502, 503, 504].includes(outcome.status)
        : neverSent(outcome) || (route.method === "GET" && !isTimeout(outcome));
    if (!again || signal?.aborted === true || performance.now() > giveUpAt) {
      if (outcome instanceof globalThis.Response) return outcome;
      throw new CodedError(
        "unavailable",
        `${route.method} ${url.origin}: ${reasonOf(outcome)}: does the deployment run there?`,
        {
          cause: outcome,
        },
      );
    }
    await sleep(backoff.nextMs(), signal);
  }
}

async function attempt(options: HttpClientOptions, url: URL, request: RequestInit, signal?: AbortSignal) {
  const deadline = AbortSignal.timeout(options.timeoutMs ?? 60_000);
  try {
    return await (options.fetch ?? fetch)(url, {
      ...request,
      signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
    });
  } catch (error) {
    return error;
  }
}

const codeOf = (thrown: unknown): string => {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
};
const neverSent = (thrown: unknown) => ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"].includes(codeOf(thrown));
const isTimeout = (thrown: unknown) =>
  thrown instanceof Error && (thrown.name === "TimeoutError" || thrown.name === "AbortError");
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error && thrown.cause instanceof Error)) return messageOf(thrown);
  const [code, { message }] = [codeOf(thrown), thrown.cause];
  return message.includes(code) ? message : `${code} ${message}`.trim();
}

async function outputOf(route: Route, url: URL, answer: globalThis.Response): Promise<unknown> {
  if (!answer.ok) throw await errorOf(url, answer);
  if (route.stream === "bytes") return new Uint8Array(await answer.arrayBuffer());
  if (route.response === undefined) return undefined;
  const body = await answer.text();
  try {
    return JSON.parse(body) as unknown;
  } catch {
    throw stranger(url, answer); // a page, or a proxy's greeting
  }
}

async function errorOf(url: URL, answer: globalThis.Response): Promise<ApiError> {
  const body: unknown = await answer.json().catch(() => undefined); // a proxy's page: said so below
  return Value.Check(Response, body) ? new ApiError(answer.status, body) : stranger(url, answer);
}

const stranger = (url: URL, answer: globalThis.Response) =>
  new ApiError(answer.status, {
    message: `${url.origin} answered ${answer.status} without a body that Berth would send`,
    detail: `Is ${url.origin} the URL of a Berth deployment? It answered ${url.pathname} with ${answer.headers.get("content-type") ?? "no content type"}.`,
  });
