import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { pages } from "../pages/routes.ts";
import type { Plane } from "../plane.ts";
import { Binder, newRequestId } from "./bind.ts";
import { clientAddress } from "./client-address.ts";
import type { Handled } from "./handler.ts";
import { measure } from "./metrics.ts";
import { Problem, problemOf } from "./problem.ts";
import type { RateLimits } from "./rate-limit.ts";

/** The HTTP side: a router that is given requests and never opens a port. */
export async function buildApp(
  plane: Plane,
  limits: RateLimits,
  handlers: readonly Handled[],
): Promise<FastifyInstance> {
  const app = fastify({
    genReqId: newRequestId,
    // a path that cannot be decoded never reaches the hooks
    frameworkErrors: (error, request, reply) =>
      void answerError(plane, error, request, markAnswer(request, reply)),
    exposeHeadRoutes: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 256 },
    logger: false,
  });
  // any content type: clients of other languages send JSON without saying so, and archives under many names
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));
  app.addHook("onRequest", async (request, reply) => void markAnswer(request, reply));
  const { proxyTrustedHeaders, proxyTrustedOrigins } = plane.config;
  const binder = new Binder(plane, limits, clientAddress(proxyTrustedHeaders, proxyTrustedOrigins));
  measure(app, plane.metrics);
  for (const handled of handlers) binder.bind(app, handled);
  pages(app, plane);
  app.setErrorHandler((error, request, reply) => answerError(plane, error, request, reply));
  await app.ready();
  return app;
}

const markAnswer = (request: FastifyRequest, reply: FastifyReply) =>
  reply.headers({ "x-coder-request-id": request.id, "cache-control": "no-store" });

function answerError(
  plane: Plane,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const problem = problemOf(error) ?? frameworkProblem(error);
  const said = { requestId: request.id, route: request.routeOptions.url, error };
  if (problem === undefined) {
    plane.log.error("a request failed", said);
    return reply.code(500).send({
      message: "Something failed here: the server's log says what.",
      detail: `Request id ${request.id}; see the log.`,
    });
  }
  if (problem.status === 503) plane.log.warn("a request found no database", said);
  return reply.code(problem.status).headers(problem.headers).send(problem.body);
}

/** What the router itself found wrong with a request: too much of it, or a path that is none. */
function frameworkProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error && "statusCode" in error && typeof error.statusCode === "number"))
    return undefined;
  return error.statusCode < 500 ? new Problem(error.statusCode, `${error.message}.`) : undefined;
}
