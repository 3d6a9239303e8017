export {
  route,
  type Noun,
  type Permission,
  type Route,
  type RouteInput,
  type RouteOutput,
  type Verb,
} from "./route.ts";
export { routes } from "./routes.ts";
export { ApiError, Response, Validation, codeOfStatus } from "./error.ts";
export {
  createClient,
  type CallInput,
  type CallOptions,
  type HttpClient,
  type HttpClientOptions,
} from "./client.ts";
export { openApi } from "./open-api.ts";
export { urlOf } from "./url.ts";
export * from "./deployment/shapes.ts";
export * from "./users/shapes.ts";
export * from "./keys/shapes.ts";
export * from "./organizations/shapes.ts";
export { Uploaded } from "./files/routes.ts";
export * from "./templates/shapes.ts";
export * from "./template-versions/shapes.ts";
export * from "./workspaces/shapes.ts";
export * from "./builds/shapes.ts";
export * from "./agents/shapes.ts";
export * from "./jobs/shapes.ts";
export * from "./provisioners/shapes.ts";
export { Replica } from "./replicas/routes.ts";
