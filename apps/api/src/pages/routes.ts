import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { CodedError } from "@berth/std";
import { Problem } from "../http/problem.ts";
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

  /** The page for somebody who is logged in; for anybody else the way there, which leads back here. */
  async function guarded(
    request: FastifyRequest,
    reply: FastifyReply,
    next: string,
    page: (caller: Caller) => Content,
  ): Promise<FastifyReply> {
    try {
      const caller = await callerOf(request);
      const content = caller === undefined ? await wayIn(next) : page(caller);
      return await show(reply, 200, content);
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "unavailable") throw error;
      return await show(reply.header("retry-after", "2"), 503, awayPage());
    }
  }

  async function wayIn(next: string): Promise<Content> {
    return (await countUsers(sql)) === 0 ? firstUserPage(next) : logInPage(next);
  }

  async function callerOf(request: FastifyRequest): Promise<Caller | undefined> {
    try {
      return await authenticate(sql, request.raw);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return undefined;
      throw error;
    }
  }

  app.get("/", (request, reply) =>
    guarded(request, reply, "/", ({ username }) => homePage(username, plane.accessUrl.origin)),
  );
  app.get("/cli-auth", (request, reply) =>
    guarded(request, reply, "/cli-auth", ({ username }) => tokenPage(username)),
  );
  app.get("/login", async (request, reply) => {
    const next = localPath(new URL(request.url, "http://local").searchParams.get("redirect"));
    if ((await callerOf(request)) !== undefined) return reply.redirect(next, 303);
    return guarded(request, reply, next, ({ username }) => homePage(username, plane.accessUrl.origin));
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
  return `${url.pathname}${url.search}`;
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
