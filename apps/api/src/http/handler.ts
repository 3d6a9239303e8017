import type { Route, RouteInput, RouteOutput } from "@berth/http-api";
import type { Queryable, Sql, TransactionSql } from "@berth/database";
import type { Caller } from "../identity/caller.ts";
import type { Scope } from "../identity/roles.ts";
import type { Audited } from "./audit.ts";

/** A request whose caller, permission and fields have been checked. */
export interface ApiRequest<R extends Route> extends RouteInput<R> {
  readonly caller: R["permission"] extends "none" ? undefined : Caller;
  /** Over which objects the route's permission holds for this caller. */
  readonly scope: Scope;
  readonly address: string;
  readonly userAgent: string;
  readonly requestId: string;
  readonly contentType: string;
  readonly traceparent: string;
  readonly sql: Sql;
  /** Runs a change and writes what it says into the audit log, in one transaction. */
  readonly change: <T>(
    work: (sql: TransactionSql, say: (audited: Audited) => void) => Promise<T>,
  ) => Promise<T>;
  /** Sets a header of the answer. */
  readonly setHeader: (name: string, value: string) => void;
}

/** Who looks for something, and among whose things. */
export interface Asking {
  readonly sql: Queryable;
  readonly caller: Caller;
  readonly scope: Scope;
}

/** A route and what answers it. */
export interface Handled {
  readonly route: Route;
  readonly handle: (request: ApiRequest<Route>) => Promise<unknown>;
}

/** What a handler resolves with; a route without a body is free in it. */
type Answer<R extends Route> = RouteOutput<R> extends undefined ? unknown : RouteOutput<R>;

/** Binds a handler to its route. */
export function on<R extends Route>(
  route: R,
  handle: (request: ApiRequest<R>) => Promise<Answer<R>>,
): Handled {
  // the app checks every part against the route's schemas before it calls
  return { route, handle: (request) => handle(request) };
}
