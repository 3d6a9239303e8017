import type { IncomingMessage } from "node:http";

/**
 * What a request asks for. Clients send anything: slashes in front would be read as a host, and what is no URL at all asks for
 * the root.
 */
export function requestUrl({ url = "/" }: Pick<IncomingMessage, "url">): URL {
  return URL.parse(url.replace(/^\/+/, "/"), "http://local") ?? new URL("http://local/");
}
