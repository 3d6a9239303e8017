import { Type } from "typebox";
import { route } from "../route.ts";
import { Appearance, BuildInfo, DerpMap, SshConfig } from "./shapes.ts";

/** What the deployment says of itself. */
export const deploymentRoutes = {
  getBuildInfo: route({
    id: "getBuildInfo",
    method: "GET",
    path: "/api/v2/buildinfo",
    summary: "Version and identity of the deployment",
    tag: "Deployment",
    permission: "none",
    status: 200,
    response: BuildInfo,
  }),
  getAppearance: route({
    id: "getAppearance",
    method: "GET",
    path: "/api/v2/appearance",
    summary: "How the deployment presents itself",
    tag: "Deployment",
    permission: "authenticated",
    status: 200,
    response: Appearance,
  }),
  getSshConfig: route({
    id: "getSshConfig",
    method: "GET",
    path: "/api/v2/deployment/ssh",
    summary: "What clients write into an SSH configuration",
    tag: "Deployment",
    permission: "authenticated",
    status: 200,
    response: SshConfig,
  }),
  getDerpMap: route({
    id: "getDerpMap",
    method: "GET",
    path: "/api/v2/derp-map",
    summary: "The relays of the deployment",
    tag: "Deployment",
    permission: "authenticated",
    status: 200,
    response: DerpMap,
  }),
  getOpenApi: route({
    id: "getOpenApi",
    method: "GET",
    path: "/api/v2/openapi.json",
    summary: "This API as an OpenAPI 3.1 document",
    tag: "Deployment",
    permission: "none",
    status: 200,
    response: Type.Record(Type.String(), Type.Unknown()),
  }),
} as const;
