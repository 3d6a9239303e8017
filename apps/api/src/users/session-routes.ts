import type { Queryable } from "@berth/database";
import { routes } from "@berth/http-api";
import { on, type Handled } from "../http/handler.ts";
import { Problem } from "../http/problem.ts";
import { sessionCookie } from "../identity/credentials.ts";
import { hashPassword, passwordFits } from "../identity/password.ts";
import { newToken } from "../identity/token.ts";
import { deleteKey, insertKey } from "../keys/store.ts";
import { findOrganization } from "../organizations/store.ts";
import type { Plane } from "../plane.ts";
import { usernameOf } from "./create.ts";
import { countUsers, findUserByEmail, insertUser, lockUsers } from "./store.ts";

/** @throws Problem 400 when there is a user already */
async function demandNobody(sql: Queryable): Promise<void> {
  if ((await countUsers(sql)) > 0) throw new Problem(400, "There is a first user already: log in.");
}

/** The first user, log-in and log-out. */
export const sessionHandlers = (plane: Plane): readonly Handled[] => [
  on(routes.hasFirstUser, async ({ sql }) => {
    if ((await countUsers(sql)) === 0) throw new Problem(404, "There is no user yet.");
    return { message: "There is a first user." };
  }),
  on(routes.createFirstUser, async ({ sql: pool, body, change }) => {
    await demandNobody(pool); // before the hash, which costs
    const passwordHash = await hashPassword(body.password);
    return change(async (sql, say) => {
      await lockUsers(sql);
      await demandNobody(sql);
      const organization = await findOrganization(sql, "default");
      if (organization === undefined)
        throw new Error("creating the first user: there is no default organization");
      const { email, username, name = "" } = body;
      const id = await insertUser(sql, {
        username: usernameOf(username),
        email,
        name,
        passwordHash,
        loginType: "password",
        roles: ["owner"],
        organizationIds: [organization.id],
      });
      say({ resourceId: id, userId: id, diff: { username, email, roles: ["owner"] } });
      return { user_id: id, organization_id: organization.id };
    });
  }),
  on(routes.logIn, async ({ sql, body, change, address, setHeader }) => {
    const user = await findUserByEmail(sql, body.email);
    const fits = await passwordFits(body.password, user?.password_hash ?? null);
    if (user === undefined || !fits) throw new Problem(401, "The e-mail address or the password is wrong.");
    if (user.status === "suspended") throw new Problem(401, "This user is suspended: ask an administrator.");
    const key = newToken();
    await change(async (transaction, say) => {
      const lifetimeMs = plane.config.sessionDurationMs;
      await insertKey(transaction, { ...key, userId: user.id, loginType: "password", lifetimeMs, address });
      say({ resourceId: key.id, userId: user.id });
    });
    setHeader("set-cookie", sessionCookie(key.token, { secure: plane.accessUrl.protocol === "https:" }));
    return { session_token: key.token };
  }),
  on(routes.logOut, async ({ caller, change, setHeader }) => {
    await change(async (sql, say) => {
      await deleteKey(sql, caller.userId, caller.keyId);
      say({ resourceId: caller.keyId });
    });
    setHeader("set-cookie", sessionCookie(undefined, { secure: plane.accessUrl.protocol === "https:" }));
    return { message: "Logged out!" };
  }),
  on(routes.getAuthMethods, () =>
    Promise.resolve({
      password: { enabled: true },
      github: { enabled: false, default_provider_configured: false },
      oidc: { enabled: false, signInText: "", iconUrl: "" },
    }),
  ),
];
