import { provisioner } from "@berth/contract";
import { expect, test } from "vitest";
import { contextOfBuild, variablesOf } from "./build-context.ts";

test("templates' scripts know a build by the public names, and none of them holds a secret", () => {
  const build = provisioner.WorkspaceBuild.fromPartial({
    buildId: "b",
    workspaceId: "w",
    workspaceName: "dev",
    transition: provisioner.Transition.DELETE,
    owner: {
      username: "alice",
      loginType: "password",
      groups: ["g"],
      roles: [{ name: "owner", organizationId: "" }],
      sessionToken: "secret",
      sshPrivateKey: "secret",
      oidcAccessToken: "secret",
    },
    accessUrl: "https://berth.example.com",
    parameters: [{ name: "cores", value: "2" }],
  });
  const variables = variablesOf(contextOfBuild(build));
  expect(variables).toMatchObject({
    CODER_AGENT_URL: "https://berth.example.com",
    CODER_WORKSPACE_TRANSITION: "destroy",
    CODER_WORKSPACE_BUILD_ID: "b",
    CODER_WORKSPACE_OWNER: "alice",
    CODER_WORKSPACE_OWNER_LOGIN_TYPE: "password",
    CODER_WORKSPACE_OWNER_GROUPS: '["g"]',
    CODER_WORKSPACE_OWNER_RBAC_ROLES: '[{"name":"owner","org_id":""}]',
    // SHA-256 of the parameter's name
    CODER_PARAMETER_f664a2d346d8cfef90e3f4819a5c2454f03a68993f28f2bb4773039f6f08762e: "2",
  });
  expect(JSON.stringify(variables)).not.toContain("secret");
});
