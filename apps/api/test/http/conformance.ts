import type { IncomingMessage, ServerResponse } from "node:http";
import { Response, routes, type Route } from "@berth/http-api";
import type { Mount } from "@berth/rpc";
import type { TSchema } from "typebox";
import { Value } from "typebox/value";
import { requestUrl } from "../../src/http/request-url.ts";

/** What every answer of an api is held to: its route's declaration, field by field, or the one shape of errors. */
export class Conformance {
  /** Ids of the routes that have answered as declared. */
  readonly answered = new Set<string>();
  readonly faults: string[] = [];

  /** The same mount; what is served on it is looked at as it leaves. */
  observe(mount: Mount): Mount {
    return {
      ...mount,
      http: (path, handler) =>
        mount.http(path, (request, response) => {
          const chunks = recorded(response);
          response.on("close", () => this.#judge(request, response, Buffer.concat(chunks).toString()));
          handler(request, response);
        }),
    };
  }

  #judge(request: IncomingMessage, response: ServerResponse, body: string): void {
    const { pathname } = requestUrl(request);
    const route = ROUTES.find(({ pattern, method }) => method === request.method && pattern.test(pathname));
    const faults = faultsOfAnswer(route, request, response, body);
    const said = `${request.method} ${pathname} ${response.statusCode}`;
    this.faults.push(...faults.map((fault) => `${said}: ${fault}`));
    if (response.statusCode === route?.status && faults.length === 0) this.answered.add(route.id);
  }
}

const ROUTES = Object.values<Route>(routes).map((route) => ({
  ...route,
  pattern: new RegExp(`^${route.path.replace(/\{\w+\}/g, "[^/]+")}$`),
}));

const HEADERS = ["x-coder-build-version", "x-coder-request-id", "cache-control"];
const PAGES = ["/", "/cli-auth", "/login", "/openapi.json"];

function recorded(response: ServerResponse): Buffer[] {
  const chunks: Buffer[] = [];
  for (const name of ["write", "end"] as const) {
    const original = response[name].bind(response) as (...given: unknown[]) => never;
    response[name] = (...given: unknown[]) => {
      if (typeof given[0] === "string" || given[0] instanceof Uint8Array) chunks.push(Buffer.from(given[0]));
      return original(...given);
    };
  }
  return chunks;
}

function faultsOfAnswer(
  route: Route | undefined,
  { method }: IncomingMessage,
  response: ServerResponse,
  body: string,
): string[] {
  const missing = HEADERS.filter((name) => !response.hasHeader(name)).map((name) => `no header ${name}`);
  const type = String(response.getHeader("content-type") ?? "");
  if (method === "HEAD" || type.startsWith("text/html")) return missing;
  if (response.statusCode >= 400) return [...missing, ...faultsOf(Response, parsed(body), type)];
  if (route === undefined)
    return PAGES.includes(response.req.url?.split("?")[0] ?? "") ? missing : ["no such route"];
  if (response.statusCode !== route.status) return [...missing, `the declared status is ${route.status}`];
  if (route.stream === "bytes") return missing;
  if (route.response === undefined) return body === "" ? missing : [...missing, "a body is not declared"];
  if (route.stream !== "sse") return [...missing, ...faultsOf(route.response, parsed(body), type)];
  const events = [...body.matchAll(/^event: data\ndata: (.*)\n\n/gm)];
  return [...missing, ...events.flatMap(([, data = ""]) => faultsOf(route.response, parsed(data)))];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // said as a fault: no schema takes it
  }
}

/** Where a value is not what is declared: a field that is missing, of another type, or that nobody declared. */
export function faultsOf(
  schema: TSchema = Response,
  value: unknown,
  type = "application/json; charset=utf-8",
): string[] {
  const wrong = Value.Errors(schema, value).map(({ instancePath, message }) => `${instancePath} ${message}`);
  const [given, declared] = [value, Value.Clean(schema, structuredClone(value))].map((one) =>
    JSON.stringify(one),
  );
  return [
    ...wrong,
    ...(given === declared ? [] : [`says more than is declared: ${given}`]),
    ...(type === "application/json; charset=utf-8" ? [] : [`content type "${type}"`]),
  ];
}
