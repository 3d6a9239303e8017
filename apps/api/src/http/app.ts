import { CodedError, type ErrorCode } from "@berth/std";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { databaseIsAway } from "../database-away.ts";
import { pages } from "../pages/routes.ts";
import type { Plane } from "../plane.ts";
import { Binder, newRequestId } from "./bind.ts";
import { clientAddress } from "./client-address.ts";
import type { Handled } from "./handler.ts";
import { measure } from "./metrics.ts";
import { Problem } from "./problem.ts";
import type { RateLimits } from "./rate-limit.ts";

/** The HTTP side: a router that is given requests and never opens a port. */
export async function buildApp(
  plane: Plane,
  limits: RateLimits,
  handlers: readonly Handled[],
): Promise<FastifyInstance> {
  const app = fastify({
    genReqId: newRequestId,
    exposeHeadRoutes: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 256 },
    logger: false,
  });
  // any content type: clients of other languages send JSON without saying so, and archives under many names
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));
  app.addHook("onRequest", async (request, reply) => {
    void reply.header("x-coder-request-id", request.id);
    void reply.header("cache-control", "no-store");
  });
  const { proxyTrustedHeaders, proxyTrustedOrigins } = plane.config;
  const binder = new Binder(plane, limits, clientAddress(proxyTrustedHeaders, proxyTrustedOrigins));
  measure(app, plane.metrics);
  for (const handled of handlers) binder.bind(app, handled);
  pages(app, plane);
  app.setErrorHandler((error, request, reply) => answerError(plane, error, request, reply));
  await app.ready();
  return app;
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  out_of_range: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  aborted: 409,
  failed_precondition: 412,
  resource_exhausted: 429,
  unimplemented: 501,
  unavailable: 503,
  deadline_exceeded: 503,
};

/** Seconds until a client may ask again: a Postgres that failed over is back within a few. */
const RETRY_AFTER = "2";

function answerError(
  plane: Plane,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof Problem) return reply.code(error.status).headers(error.headers).send(error.body);
  const status = databaseIsAway(error) ? 503 : statusOf(error);
  if (status < 500 && error instanceof Error) return reply.code(status).send({ message: error.message });
  if (status === 503) {
    plane.log.warn("a request found no database", {
      requestId: request.id,
      route: request.routeOptions.url,
      error,
    });
    return reply.code(503).header("retry-after", RETRY_AFTER).send({
      message: "The control plane cannot reach its database just now.",
      detail: "Try again in a moment.",
    });
  }
  plane.log.error("a request failed", { requestId: request.id, route: request.routeOptions.url, error });
  return reply.code(500).send({
    message: "An internal server error occurred.",
    detail: `Request id ${request.id}; see the log.`,
  });
}

function statusOf(error: unknown): number {
  if (error instanceof CodedError) return STATUS[error.code] ?? 500;
  if (error instanceof Error && "code" in error && error.code === "FST_ERR_CTP_BODY_TOO_LARGE") return 413;
  return error instanceof Error && "statusCode" in error && typeof error.statusCode === "number"
    ? error.statusCode
    : 500;
}
