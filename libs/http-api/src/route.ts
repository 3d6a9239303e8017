import type { Static, TSchema } from "typebox";

/** What a route asks of the caller. `none`: no log-in; `self`: any logged-in user, further checks are in the handler's query. */
export type Permission =
  "none" | "authenticated" | `${string}:${"read" | "create" | "update" | "delete" | "operate"}`;

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
  /** The success status and its body. */
  readonly status: number;
  readonly response?: TSchema;
  /** For a changing route: the audit action and resource type. */
  readonly audit?: { readonly action: string; readonly resource: string };
  /** `websocket`: also answers an upgrade with `?follow`. `sse`: an event stream. `bytes`: no JSON. */
  readonly stream?: "websocket" | "sse" | "bytes";
  /** Seconds window is one minute; the default is CODER_API_RATE_LIMIT. */
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

/** What a caller of the route sends. */
export interface RouteInput<R extends Route> {
  readonly params: SchemaOf<R, "params">;
  readonly query: SchemaOf<R, "query">;
  readonly body: SchemaOf<R, "body">;
}

/** What the route answers. */
export type RouteOutput<R extends Route> = SchemaOf<R, "response">;
