import { route } from "../route.ts";
import { list, object, optional, pagination, text } from "../shape.ts";
import { CreateProvisionerKey, ProvisionerDaemon, ProvisionerKey, ProvisionerKeyCreated } from "./shapes.ts";

const tag = "Provisioners";
const params = object({ organization: text() });

/** Daemons and their keys. */
export const provisionerRoutes = {
  listProvisionerDaemons: route({
    id: "listProvisionerDaemons",
    method: "GET",
    path: "/api/v2/organizations/{organization}/provisionerdaemons",
    summary: "Daemons of an organization and what they do",
    tag,
    permission: "provisioner-daemons:read",
    params,
    query: object({ ...pagination, tags: optional(text()) }),
    status: 200,
    response: list(ProvisionerDaemon),
  }),
  listProvisionerKeys: route({
    id: "listProvisionerKeys",
    method: "GET",
    path: "/api/v2/organizations/{organization}/provisionerkeys",
    summary: "Keys of external daemons",
    tag,
    permission: "provisioner-keys:read",
    params,
    status: 200,
    response: list(ProvisionerKey),
  }),
  createProvisionerKey: route({
    id: "createProvisionerKey",
    method: "POST",
    path: "/api/v2/organizations/{organization}/provisionerkeys",
    summary: "Create a key for external daemons",
    tag,
    permission: "provisioner-keys:create",
    params,
    body: CreateProvisionerKey,
    status: 201,
    response: ProvisionerKeyCreated,
    audit: { action: "create", resource: "provisioner_key" },
  }),
  deleteProvisionerKey: route({
    id: "deleteProvisionerKey",
    method: "DELETE",
    path: "/api/v2/organizations/{organization}/provisionerkeys/{name}",
    summary: "Delete a key; its daemons' streams end",
    tag,
    permission: "provisioner-keys:delete",
    params: object({ organization: text(), name: text() }),
    status: 204,
    audit: { action: "delete", resource: "provisioner_key" },
  }),
} as const;
