import type { SlimRole, User } from "@berth/http-api";
import { displayNameOf, isSiteRole } from "../identity/roles.ts";
import type { UserRow } from "./store.ts";

export function userView(row: UserRow): User {
  return {
    id: row.id,
    username: row.username,
    name: row.name,
    avatar_url: row.avatar_url,
    email: row.email,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    ...(row.last_seen_at && { last_seen_at: row.last_seen_at.toISOString() }),
    status: row.status,
    login_type: row.login_type,
    is_service_account: false,
    theme_preference: row.theme_preference,
    organization_ids: row.organization_ids,
    roles: row.roles.map(slimRole),
    has_ai_seat: false,
  };
}

export function slimRole(name: string): SlimRole {
  return { name, display_name: isSiteRole(name) ? displayNameOf(name) : name };
}
