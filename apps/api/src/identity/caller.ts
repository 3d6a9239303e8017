import type { Permission } from "@berth/http-api";
import { type Scope, scopeOf } from "./roles.ts";

/** Who asks, by a key that was checked. */
export interface Caller {
  readonly userId: string;
  readonly username: string;
  readonly roles: readonly string[];
  readonly keyId: string;
  readonly loginType: string;
}

/** Over which objects the caller may do it; undefined when not at all. */
export function scopeFor(caller: Caller, permission: Permission): Scope | undefined {
  return scopeOf(caller.roles, permission);
}

/** The user whose objects alone may be touched; null when it is everybody's. For `owner_id = coalesce(…, owner_id)`. */
export function ownerWithin(caller: Caller, scope: Scope): string | null {
  return scope === "own" ? caller.userId : null;
}
