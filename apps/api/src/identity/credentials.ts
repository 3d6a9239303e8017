import type { IncomingMessage } from "node:http";
import { Problem } from "../http/problem.ts";
import { requestUrl } from "../http/request-url.ts";

const NAME = "coder_session_token";

/** A token, and whether it came by itself with a browser's request. */
export interface Credentials {
  readonly token: string;
  readonly ambient: boolean;
}

/** The token of a request: the header, else the cookie, else the query. */
export function credentialsOf(request: Pick<IncomingMessage, "headers" | "url">): Credentials | undefined {
  const header = request.headers["coder-session-token"];
  if (typeof header === "string" && header !== "") return { token: header, ambient: false };
  const cookie = cookieOf(request.headers.cookie ?? "");
  if (cookie !== undefined && cookie !== "") return { token: cookie, ambient: true };
  const query = requestUrl(request).searchParams.get(NAME);
  return query === null || query === "" ? undefined : { token: query, ambient: false };
}

function cookieOf(header: string): string | undefined {
  const pair = header.split(/;\s*/).find((one) => one.startsWith(`${NAME}=`));
  return pair?.slice(NAME.length + 1);
}

/** The cookie of a browser's session; without a token, the end of it. */
export function sessionCookie(token: string | undefined, { secure }: { readonly secure: boolean }): string {
  const life = token === undefined ? "; Max-Age=0" : "";
  return `${NAME}=${token ?? ""}; Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}${life}`;
}

/** Whether a request may change something or open a WebSocket: a page that only asks shows nobody its answer. */
export function acts({ method, headers }: Pick<IncomingMessage, "method" | "headers">): boolean {
  return (method !== "GET" && method !== "HEAD") || headers.upgrade !== undefined;
}

/**
 * Refuses what a page of another origin does with this browser: another site's page, and another app on the same site, reach us
 * through it and send its cookie along.
 * @throws Problem 403
 */
export function demandOwnPage({ headers }: Pick<IncomingMessage, "headers">, accessUrl: URL): void {
  const site = headers["sec-fetch-site"];
  const own =
    site === undefined ? isOwnOrigin(headers, accessUrl) : site === "same-origin" || site === "none";
  if (!own) throw new Problem(403, "A page of another origin may not act with this browser.");
}

/** No browser changes anything or opens a WebSocket without naming its origin; a proxy may have renamed the host. */
function isOwnOrigin({ origin, host }: IncomingMessage["headers"], accessUrl: URL): boolean {
  return origin === undefined || origin === accessUrl.origin || URL.parse(origin)?.host === host;
}
