import type { Static, TSchema } from "typebox";

/** What may be done to a noun. `operate`: to use it without changing it, such as opening a session in a workspace. */
export type Verb = "read" | "create" | "update" | "delete" | "operate";

/** The nouns that permissions speak of. */
export type Noun =
  | "users"
  | "keys"
  | "organizations"
  | "files"
  | "templates"
  | "workspaces"
  | "provisioner-daemons"
  | "provisioner-keys"
  | "replicas"
  | "deployment";

/**
 * What a route asks of the caller. `none`: no log-in; `authenticated`: any log-in; else a grant, which a role holds either
 * over everything or over the caller's own objects: the handler's query then looks among those alone.
 */
export type Permission = "none" | "authenticated" | `${Noun}:${Verb}`;

/** How a route of the public API looks: handlers, client and OpenAPI derive from it. */
export interface Route {
  /** Lower camel case, unique: the operation id. */
  readonly id: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With `{name}` parameters, e.g. `/api/v2/workspaces/{workspace}`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly permission: Permission;
  readonly params?: TSchema;
  readonly query?: TSchema;
  readonly body?: TSchema;
  /** `bytes`: the body is no JSON and is taken as it comes. */
  readonly bodyType?: "bytes";
  /** The success status and its body. */
  readonly status: number;
  readonly response?: TSchema;
  /** For a changing route: the audit action and resource type. */
  readonly audit?: { readonly action: string; readonly resource: string };
  /** `follow`: also answers an upgrade with `?follow`. `websocket`, `sse`: nothing else. `bytes`: the answer is no JSON. */
  readonly stream?: "follow" | "websocket" | "sse" | "bytes";
  /** The default is CODER_API_RATE_LIMIT. */
  readonly rateLimitPerMinute?: number;
}

/** Declares a route and keeps its literal types. */
export function route<const R extends Route>(declared: R): R {
  return declared;
}

type SchemaOf<
  R extends Route,
  Part extends "params" | "query" | "body" | "response",
> = R[Part] extends TSchema ? Static<R[Part]> : undefined;

/** What a handler of the route is given. */
export interface RouteInput<R extends Route> {
  readonly params: SchemaOf<R, "params">;
  readonly query: SchemaOf<R, "query">;
  readonly body: R["bodyType"] extends "bytes" ? Uint8Array : SchemaOf<R, "body">;
}

/** What the route answers. */
export type RouteOutput<R extends Route> = R["stream"] extends "bytes" ? Uint8Array : SchemaOf<R, "response">;
