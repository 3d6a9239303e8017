import { route } from "../route.ts";
import { list, object, text } from "../shape.ts";
import { Organization } from "./shapes.ts";

/** Organizations. */
export const organizationRoutes = {
  listOrganizations: route({
    id: "listOrganizations",
    method: "GET",
    path: "/api/v2/organizations",
    summary: "The organizations the caller sees",
    tag: "Organizations",
    permission: "organizations:read",
    status: 200,
    response: list(Organization),
  }),
  getOrganization: route({
    id: "getOrganization",
    method: "GET",
    path: "/api/v2/organizations/{organization}",
    summary: "One organization, by name or id; `default` is the default one",
    tag: "Organizations",
    permission: "organizations:read",
    params: object({ organization: text() }),
    status: 200,
    response: Organization,
  }),
} as const;
