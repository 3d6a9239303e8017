import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Problem, problemOf } from "../http/problem.ts";
import { requestUrl } from "../http/request-url.ts";
import { authenticate } from "../identity/authenticate.ts";
import type { Caller } from "../identity/caller.ts";
import type { Plane } from "../plane.ts";
import { countUsers } from "../users/store.ts";
import {
  type Content,
  awayPage,
  firstUserPage,
  homePage,
  logInPage,
  notFoundPage,
  tokenPage,
} from "./content.ts";
import { contentSecurityPolicy, layout } from "./layout.ts";

/** What a browser is shown. Everything else answers in JSON. */
export function pages(app: FastifyInstance, plane: Plane): void {
  const { sql } = plane.database;

  /** What somebody who is logged in is answered; anybody else is shown the way in, which leads to `next`. */
  async function guarded(
    request: FastifyRequest,
    reply: FastifyReply,
    next: string,
    answer: (caller: Caller) => FastifyReply,
  ): Promise<FastifyReply> {
    try {
      const caller = await callerOf(request);
      return caller === undefined ? await show(reply, 200, await wayIn(next)) : await answer(caller);
    } catch (error) {
      const problem = problemOf(error);
      if (problem?.status !== 503) throw error;
      return show(reply.headers(problem.headers), 503, awayPage());
    }
  }

  async function wayIn(next: string): Promise<Content> {
    return (await countUsers(sql)) === 0 ? firstUserPage(next) : logInPage(next);
  }

  async function callerOf(request: FastifyRequest): Promise<Caller | undefined> {
    try {
      return await authenticate(plane, request.raw);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return undefined;
      throw error;
    }
  }

  app.get("/", (request, reply) =>
    guarded(request, reply, "/", ({ username }) =>
      show(reply, 200, homePage(username, plane.accessUrl.origin)),
    ),
  );
  app.get("/cli-auth", (request, reply) =>
    guarded(request, reply, "/cli-auth", ({ username }) => show(reply, 200, tokenPage(username))),
  );
  app.get("/login", (request, reply) => {
    const next = localPath(requestUrl(request).searchParams.get("redirect"));
    return guarded(request, reply, next, () => reply.redirect(next, 303));
  });
  app.get("/openapi.json", (_, reply) => reply.redirect("/api/v2/openapi.json", 308));
  app.setNotFoundHandler((request, reply) => {
    if (!wantsPage(request)) return reply.code(404).send({ message: "Route not found." });
    return show(reply, 404, notFoundPage());
  });
}

/** Machines' paths never answer a page: clients take a page for what they asked for. */
function wantsPage({ url, headers, method }: FastifyRequest): boolean {
  const forMachines = /^\/(api|bin|\.well-known)(\/|$|\?)/.test(url);
  return !forMachines && method === "GET" && (headers.accept ?? "").includes("text/html");
}

/** A path of this site; anything else leads to the start. */
export function localPath(text: string | null): string {
  const url = text === null ? null : URL.parse(text, "http://local");
  if (text?.startsWith("/") !== true || url?.origin !== "http://local") return "/";
  // `/.//host` is a path here, and what is left of it would be a host to the browser
  return url.pathname.startsWith("//") ? "/" : `${url.pathname}${url.search}`;
}

function show(reply: FastifyReply, status: number, content: Content): FastifyReply {
  const nonce = randomBytes(16).toString("base64");
  return reply
    .code(status)
    .header("content-security-policy", contentSecurityPolicy(nonce))
    .header("referrer-policy", "no-referrer")
    .header("x-content-type-options", "nosniff")
    .type("text/html; charset=utf-8")
    .send(layout({ ...content, nonce }));
}
