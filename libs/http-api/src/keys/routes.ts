import { route } from "../route.ts";
import { flag, list, object, optional, text } from "../shape.ts";
import { ApiKey, CreateToken, KeyCreated, TokenConfig } from "./shapes.ts";

const tag = "Keys";
const ofUser = object({ user: text() });
const ofKey = object({ user: text(), key: text() });

/** Session keys and tokens of a user. */
export const keyRoutes = {
  createSessionKey: route({
    id: "createSessionKey",
    method: "POST",
    path: "/api/v2/users/{user}/keys",
    summary: "Create a key with the life of a session",
    tag,
    permission: "keys:create",
    params: ofUser,
    status: 201,
    response: KeyCreated,
    audit: { action: "create", resource: "api_key" },
  }),
  listTokens: route({
    id: "listTokens",
    method: "GET",
    path: "/api/v2/users/{user}/keys/tokens",
    summary: "The tokens of a user",
    tag,
    permission: "keys:read",
    params: ofUser,
    query: object({ include_all: optional(flag()) }),
    status: 200,
    response: list(ApiKey),
  }),
  createToken: route({
    id: "createToken",
    method: "POST",
    path: "/api/v2/users/{user}/keys/tokens",
    summary: "Create a token for scripts",
    tag,
    permission: "keys:create",
    params: ofUser,
    body: CreateToken,
    status: 201,
    response: KeyCreated,
    audit: { action: "create", resource: "api_key" },
  }),
  getTokenConfig: route({
    id: "getTokenConfig",
    method: "GET",
    path: "/api/v2/users/{user}/keys/tokens/tokenconfig",
    summary: "How long tokens may live",
    tag,
    permission: "keys:read",
    params: ofUser,
    status: 200,
    response: TokenConfig,
  }),
  getKey: route({
    id: "getKey",
    method: "GET",
    path: "/api/v2/users/{user}/keys/{key}",
    summary: "One key",
    tag,
    permission: "keys:read",
    params: ofKey,
    status: 200,
    response: ApiKey,
  }),
  deleteKey: route({
    id: "deleteKey",
    method: "DELETE",
    path: "/api/v2/users/{user}/keys/{key}",
    summary: "Delete a key",
    tag,
    permission: "keys:delete",
    params: ofKey,
    status: 204,
    audit: { action: "delete", resource: "api_key" },
  }),
} as const;
