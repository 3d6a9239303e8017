import { Type, type Static } from "typebox";
import { id, integer, optional, shape, text, time, unserved } from "../shape.ts";
import { LoginType } from "../users/shapes.ts";

/** A key that a session or a script uses; its secret is shown once and never again. */
export const ApiKey = shape("APIKey", {
  id: text(),
  user_id: id(),
  last_used: time(),
  expires_at: time(),
  created_at: time(),
  updated_at: time(),
  login_type: LoginType,
  scope: text(),
  token_name: text(),
  lifetime_seconds: integer(),
});
export type ApiKey = Static<typeof ApiKey>;

/** A long-lived key for scripts. */
export const CreateToken = shape("CreateTokenRequest", {
  /** Nanoseconds, as publicly documented; 0 asks for the default. */
  lifetime: optional(Type.Integer({ minimum: 0, description: "Nanoseconds" })),
  scope: optional(text()),
  scopes: unserved(),
  allow_list: unserved(),
  token_name: optional(Type.String({ maxLength: 64, pattern: "^[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9])?$" })),
});
export type CreateToken = Static<typeof CreateToken>;

/** The token itself: it is shown this once. */
export const KeyCreated = shape("GenerateAPIKeyResponse", { key: text() });

/** How long tokens may live. */
export const TokenConfig = shape("TokenConfig", {
  max_token_lifetime: Type.Integer({ description: "Nanoseconds" }),
});
export type TokenConfig = Static<typeof TokenConfig>;
