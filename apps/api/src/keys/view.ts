import type { ApiKey } from "@berth/http-api";
import type { KeyRow } from "./store.ts";

export function keyView(row: KeyRow): ApiKey {
  return {
    id: row.id,
    user_id: row.user_id,
    last_used: row.last_used_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    login_type: row.login_type,
    scope: row.scope,
    token_name: row.token_name,
    lifetime_seconds: row.lifetime_seconds,
  };
}
