import { computed } from "./schema.ts";
import type { DataSource } from "./resource.ts";

/** `data.coder_workspace_owner`: whose workspace is being built. */
export const workspaceOwner: DataSource = {
  block: {
    attributes: {
      id: computed("string", "Id of the user"),
      name: computed("string", "Username"),
      full_name: computed("string", "Name in full"),
      email: computed("string", "E-mail address"),
      login_type: computed("string", "password, oidc, github …"),
      groups: computed(["list", "string"], "Groups of the user"),
      rbac_roles: computed(["list", ["object", { name: "string", org_id: "string" }]], "Roles of the user"),
      ssh_public_key: computed("string", "Public key for Git"),
      ssh_private_key: computed("string", "Private key for Git", { sensitive: true }),
      session_token: computed("string", "Session token of the user", { sensitive: true }),
      oidc_access_token: computed("string", "Access token of the identity provider", { sensitive: true }),
    },
    blocks: {},
  },
  validate: () => [],
  read: (_config, { owner }) => ({
    findings: [],
    value: {
      id: owner.id,
      name: owner.name,
      full_name: owner.fullName,
      email: owner.email,
      login_type: owner.loginType,
      groups: owner.groups,
      rbac_roles: owner.roles.map(({ name, organizationId }) => ({ name, org_id: organizationId })),
      ssh_public_key: owner.sshPublicKey,
      ssh_private_key: owner.sshPrivateKey,
      session_token: owner.sessionToken,
      oidc_access_token: owner.oidcAccessToken,
    },
  }),
};
