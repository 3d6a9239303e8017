import { User, routes } from "@berth/http-api";
import { on, type Handled } from "../http/handler.ts";
import { parseFilter, wordOf } from "../http/filter.ts";
import { pageOf } from "../http/page.ts";
import { ownerWithin } from "../identity/caller.ts";
import { hashPassword } from "../identity/password.ts";
import { SITE_ROLES, displayNameOf } from "../identity/roles.ts";
import { invalid, orNotFound } from "../http/problem.ts";
import { findOrganization, organizationsOfUser } from "../organizations/store.ts";
import { organizationView } from "../organizations/view.ts";
import { mayGive, passwordFor, rolesGiven, usernameOf } from "./create.ts";
import { findUser, insertUser, listUsers } from "./store.ts";
import { targetUser } from "./target.ts";
import { userView } from "./view.ts";

export const userHandlers: readonly Handled[] = [
  on(routes.listUsers, async ({ sql, caller, scope, query }) => {
    const { values, words } = parseFilter(query.q, ["status", "role", "name"], "user");
    const page = await listUsers(sql, {
      words: values.name === undefined ? words : [...words, values.name],
      status: wordOf("status", values.status, User.properties.status.enum) ?? null,
      role: wordOf("role", values.role, SITE_ROLES) ?? null,
      within: ownerWithin(caller, scope),
      ...pageOf(query),
    });
    return { users: page.users.map(userView), count: page.count };
  }),
  on(routes.createUser, async ({ caller, body, change }) => {
    const loginType = body.login_type ?? "password";
    const password = passwordFor(loginType, body.password);
    const passwordHash = password === undefined ? null : await hashPassword(password);
    const roles = rolesGiven(caller, body.roles ?? []);
    return change(async (sql, say) => {
      const organizations = await Promise.all(
        (body.organization_ids ?? ["default"]).map((ref) => findOrganization(sql, ref)),
      );
      const organizationIds = organizations.flatMap((found) => (found === undefined ? [] : [found.id]));
      if (organizationIds.length < organizations.length)
        throw invalid("organization_ids", "There is no such organization.");
      const id = await insertUser(sql, {
        username: usernameOf(body.username),
        email: body.email,
        name: body.name ?? "",
        passwordHash,
        loginType,
        roles,
        organizationIds,
      });
      say({ resourceId: id, diff: { username: body.username, email: body.email, roles } });
      return userView(orNotFound(await findUser(sql, id, id, null)));
    });
  }),
  on(routes.getUser, async (request) => userView(await targetUser(request, request.params.user))),
  on(routes.listOrganizationsOfUser, async (request) => {
    const user = await targetUser(request, request.params.user);
    return (await organizationsOfUser(request.sql, user.id)).map(organizationView);
  }),
  on(routes.listSiteRoles, ({ caller }) =>
    Promise.resolve(
      SITE_ROLES.map((role) => ({
        name: role,
        display_name: displayNameOf(role),
        assignable:
          caller.roles.some((own) => own === "owner" || own === "user-admin") && mayGive(caller, role),
        built_in: true,
      })),
    ),
  ),
];
