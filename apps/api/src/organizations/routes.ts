import { routes } from "@berth/http-api";
import { on, type Handled } from "../http/handler.ts";
import { listOrganizations, targetOrganization } from "./store.ts";
import { organizationView } from "./view.ts";

export const organizationHandlers: readonly Handled[] = [
  on(routes.listOrganizations, async ({ sql }) => (await listOrganizations(sql)).map(organizationView)),
  on(routes.getOrganization, async ({ sql, params }) =>
    organizationView(await targetOrganization(sql, params.organization)),
  ),
];
