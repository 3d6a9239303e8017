import { routes } from "@berth/http-api";
import { on, type Handled } from "../http/handler.ts";
import { invalid, notFound, orNotFound } from "../http/problem.ts";
import { letters, newToken } from "../identity/token.ts";
import type { Plane } from "../plane.ts";
import { targetUser } from "../users/target.ts";
import { deleteKey, findKey, insertKey, listTokens } from "./store.ts";
import { keyView } from "./view.ts";

const NANOSECONDS = 1_000_000;

export const keyHandlers = ({ config }: Plane): readonly Handled[] => [
  on(routes.createSessionKey, async (request) => {
    const user = await targetUser(request, request.params.user);
    const key = newToken();
    await request.change(async (sql, say) => {
      const { address } = request;
      await insertKey(sql, {
        ...key,
        userId: user.id,
        loginType: "password",
        lifetimeMs: config.tokenLifetimeMs,
        address,
      });
      say({ resourceId: key.id });
    });
    return { key: key.token };
  }),
  on(routes.listTokens, async (request) => {
    const user = await targetUser(request, request.params.user);
    const everybody = request.query.include_all === true && request.scope === "any";
    return (await listTokens(request.sql, everybody ? null : user.id)).map(keyView);
  }),
  on(routes.createToken, async (request) => {
    const user = await targetUser(request, request.params.user);
    const { lifetime, token_name: tokenName = letters(16), scope = "all" } = request.body;
    if (scope !== "all") throw invalid("scope", "Only the scope all is known.");
    const lifetimeMs =
      lifetime === undefined || lifetime === 0 ? config.tokenLifetimeMs : lifetime / NANOSECONDS;
    if (lifetimeMs > config.maxTokenLifetimeMs)
      throw invalid("lifetime", `It must be at most ${config.maxTokenLifetimeMs / 3_600_000} hours.`);
    const key = newToken();
    await request.change(async (sql, say) => {
      const { address } = request;
      await insertKey(sql, { ...key, userId: user.id, loginType: "token", lifetimeMs, tokenName, address });
      say({ resourceId: key.id, diff: { token_name: tokenName, lifetime_seconds: lifetimeMs / 1000 } });
    });
    return { key: key.token };
  }),
  on(routes.getTokenConfig, async (request) => {
    await targetUser(request, request.params.user);
    return { max_token_lifetime: config.maxTokenLifetimeMs * NANOSECONDS };
  }),
  on(routes.getKey, async (request) => {
    const user = await targetUser(request, request.params.user);
    return keyView(orNotFound(await findKey(request.sql, user.id, request.params.key)));
  }),
  on(routes.deleteKey, async (request) => {
    const user = await targetUser(request, request.params.user);
    const key = orNotFound(await findKey(request.sql, user.id, request.params.key));
    await request.change(async (sql, say) => {
      if (!(await deleteKey(sql, user.id, key.id))) throw notFound();
      say({ resourceId: key.id, diff: { token_name: key.token_name } });
    });
  }),
];
