import type { IncomingMessage } from "node:http";
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

/**
 * Whether a request that carries a cookie was made by our own pages: another site's page, and another app on the same
 * site, send the cookie too.
 */
export function isSameOrigin(request: Pick<IncomingMessage, "headers">): boolean {
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin" || site === "none";
  const origin = request.headers.origin;
  // no browser sends a cookie to a changing route or a WebSocket without naming its origin
  return origin === undefined || URL.parse(origin)?.host === request.headers.host;
}
