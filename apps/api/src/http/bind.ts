import { randomUUID } from "node:crypto";
import type { Route } from "@berth/http-api";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { authenticate } from "../identity/authenticate.ts";
import { acts, demandOwnPage } from "../identity/credentials.ts";
import { type Caller, scopeFor } from "../identity/caller.ts";
import type { Scope } from "../identity/roles.ts";
import type { Plane } from "../plane.ts";
import { audit, type Audited } from "./audit.ts";
import type { ClientAddress } from "./client-address.ts";
import type { ApiRequest, Handled } from "./handler.ts";
import { Problem, forbidden, notFound } from "./problem.ts";
import type { RateLimits } from "./rate-limit.ts";
import { validatorOf } from "./validate.ts";

/** Who asks and over what: settled before a body is read. */
interface Admission {
  readonly caller: Caller | undefined;
  readonly scope: Scope;
  readonly address: string;
}

const MAX_BODY_BYTES = 2 * 1024 * 1024;
export const MAX_FILE_BYTES = 10 * 1024 * 1024;

/** Binds declared routes and their handlers to the router. */
export class Binder {
  readonly #plane: Plane;
  readonly #limits: RateLimits;
  readonly #addressOf: ClientAddress;
  readonly #admissions = new WeakMap<FastifyRequest, Admission>();

  constructor(plane: Plane, limits: RateLimits, addressOf: ClientAddress) {
    this.#plane = plane;
    this.#limits = limits;
    this.#addressOf = addressOf;
  }

  bind(app: FastifyInstance, { route, handle }: Handled): void {
    const check = {
      params: route.params && validatorOf(route.params, "params"),
      query: route.query && validatorOf(route.query, "query"),
      body: route.body && validatorOf(route.body, "body"),
    };
    app.route({
      method: route.method,
      url: route.path.replace(/\{(\w+)\}/g, ":$1"),
      bodyLimit: route.bodyType === "bytes" ? MAX_FILE_BYTES : MAX_BODY_BYTES,
      onRequest: async (request, reply) => {
        this.#admissions.set(request, await this.#admit(route, request, reply));
      },
      handler: async (request, reply) => {
        const parts = {
          params: check.params?.(request.params),
          query: check.query?.(request.query),
          body: check.body === undefined ? request.body : check.body(jsonOf(request.body)),
        };
        const answer = await handle(this.#requestOf(route, request, reply, parts));
        return send(route, reply, answer);
      },
    });
  }

  async #admit(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<Admission> {
    const address = this.#addressOf(request.raw);
    const open = route.permission === "none";
    // a foreign page must not log this browser in as somebody else, nor become the first user of a server on this machine
    if (open && acts(request.raw)) demandOwnPage(request.raw, this.#plane.accessUrl);
    const caller = open ? undefined : await authenticate(this.#plane, request.raw);
    await this.#limit(route, request, reply, caller, address);
    const scope = caller === undefined ? "any" : scopeFor(caller, route.permission);
    if (scope === undefined) throw route.params === undefined ? forbidden() : notFound();
    return { caller, scope, address };
  }

  async #limit(
    route: Route,
    request: FastifyRequest,
    reply: FastifyReply,
    caller: Caller | undefined,
    address: string,
  ): Promise<void> {
    const { apiRateLimit, disableRateLimits } = this.#plane.config;
    const limit = route.rateLimitPerMinute ?? apiRateLimit;
    const bypassed =
      request.headers["x-coder-bypass-ratelimit"] === "true" && caller?.roles.includes("owner");
    if (disableRateLimits || limit === 0 || apiRateLimit === 0 || bypassed === true) return;
    const allowance = await this.#limits.count(`${route.id} ${caller?.userId ?? address}`, limit);
    if (allowance === undefined) return;
    void reply.header("x-ratelimit-limit", String(limit));
    void reply.header("x-ratelimit-remaining", String(Math.max(0, limit - allowance.used)));
    void reply.header("x-ratelimit-reset", String(allowance.resetSeconds));
    if (allowance.used <= limit) return;
    throw new Problem(429, `More than ${limit} requests in a minute: slow down.`, {
      detail: `Wait ${allowance.resetSeconds} s and try again.`,
      headers: { "retry-after": String(allowance.resetSeconds) },
    });
  }

  #requestOf(
    route: Route,
    request: FastifyRequest,
    reply: FastifyReply,
    parts: { readonly params: unknown; readonly query: unknown; readonly body: unknown },
  ): ApiRequest<Route> {
    const { caller, scope, address } = this.#admissions.get(request) ?? missing(route);
    const { database } = this.#plane;
    const by = {
      route,
      userId: caller?.userId,
      address,
      userAgent: request.headers["user-agent"] ?? "",
      requestId: request.id,
    };
    const checked: Omit<ApiRequest<Route>, "params" | "query" | "body" | "caller"> = {
      ...by,
      scope,
      contentType: request.headers["content-type"] ?? "",
      traceparent: textOf(request.headers["traceparent"]),
      sql: database.sql,
      setHeader: (name, value) => void reply.header(name, value),
      change: (work) =>
        database.transaction(async (sql) => {
          const said: Audited[] = [];
          const answer = await work(sql, (audited) => said.push(audited));
          for (const audited of said) await audit(sql, audited, by);
          return answer;
        }),
    };
    return { ...checked, ...parts, caller } as ApiRequest<Route>;
  }
}

const textOf = (header: string | string[] | undefined) => (typeof header === "string" ? header : "");

function missing(route: Route): never {
  throw new Error(`${route.id}: handled before it was admitted`);
}

function jsonOf(body: unknown): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch (cause) {
    throw new Problem(400, "The body is not valid JSON.", { cause });
  }
}

function send(route: Route, reply: FastifyReply, answer: unknown): FastifyReply {
  reply.code(route.status);
  if (answer === undefined) return reply.send();
  if (route.stream === "bytes") return reply.send(Buffer.from(answer as Uint8Array));
  return reply.type("application/json; charset=utf-8").send(JSON.stringify(answer));
}

/** A request's id: ours, as a client's could be anything. */
export const newRequestId = () => randomUUID();
