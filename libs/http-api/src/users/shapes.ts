import { Type, type Static } from "typebox";
import { flag, id, list, name, object, oneOf, optional, shape, text, time } from "../shape.ts";

/** A role by name, with how it is shown. */
export const SlimRole = shape("SlimRole", {
  name: text(),
  display_name: text(),
  organization_id: optional(id()),
});
export type SlimRole = Static<typeof SlimRole>;

/** The roles of a site; everybody is a member. */
export const SiteRole = oneOf("owner", "user-admin", "template-admin", "auditor", "member");
export type SiteRole = Static<typeof SiteRole>;

/** How a user, or a key, came in. */
export const LoginType = oneOf("password", "github", "oidc", "token", "none", "");
export type LoginType = Static<typeof LoginType>;

/** A person, or a script's account. */
export const User = shape("User", {
  id: id(),
  username: text(),
  name: optional(text()),
  avatar_url: optional(text()),
  email: text(),
  created_at: time(),
  updated_at: time(),
  last_seen_at: optional(time()),
  status: oneOf("active", "dormant", "suspended"),
  login_type: LoginType,
  is_service_account: optional(flag()),
  theme_preference: optional(text()),
  organization_ids: list(id()),
  roles: list(SlimRole),
  has_ai_seat: flag(),
});
export type User = Static<typeof User>;

/** A page of users. */
export const UserList = shape("GetUsersResponse", { users: list(User), count: Type.Integer() });
export type UserList = Static<typeof UserList>;

const email = () => Type.String({ format: "email", maxLength: 254, description: "An e-mail address" });
const password = () => Type.String({ minLength: 8, maxLength: 256, description: "At least 8 characters" });

/** The first user becomes the owner of the site. */
export const CreateFirstUser = shape("CreateFirstUserRequest", {
  email: email(),
  username: name(),
  password: password(),
  name: optional(text()),
  trial: optional(flag()),
  trial_info: optional(Type.Unknown()),
});
export type CreateFirstUser = Static<typeof CreateFirstUser>;

/** The first user and the organization they own. */
export const FirstUserCreated = shape("CreateFirstUserResponse", { user_id: id(), organization_id: id() });

/** A further user. */
export const CreateUser = shape("CreateUserRequest", {
  email: email(),
  username: name(),
  name: optional(text()),
  password: optional(password()),
  login_type: optional(oneOf("password", "none")),
  organization_ids: optional(list(id())),
  roles: optional(list(SiteRole)),
});
export type CreateUser = Static<typeof CreateUser>;

/** A log-in with a password. */
export const Login = shape("LoginWithPasswordRequest", { email: text(), password: text() });
/** The token of a new session. */
export const LoggedIn = shape("LoginWithPasswordResponse", { session_token: text() });

/** How people may log in. */
export const AuthMethods = shape("AuthMethods", {
  terms_of_service_url: optional(text()),
  password: object({ enabled: flag() }),
  github: object({ enabled: flag(), default_provider_configured: flag() }),
  oidc: object({ enabled: flag(), signInText: text(), iconUrl: text() }),
});
export type AuthMethods = Static<typeof AuthMethods>;

/** A role and whether the caller may give it away. */
export const AssignableRole = shape("AssignableRoles", {
  name: text(),
  display_name: text(),
  organization_id: optional(id()),
  assignable: flag(),
  built_in: flag(),
});
export type AssignableRole = Static<typeof AssignableRole>;
