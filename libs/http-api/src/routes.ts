import { agentRoutes } from "./agents/routes.ts";
import { buildRoutes } from "./builds/routes.ts";
import { deploymentRoutes } from "./deployment/routes.ts";
import { fileRoutes } from "./files/routes.ts";
import { keyRoutes } from "./keys/routes.ts";
import { organizationRoutes } from "./organizations/routes.ts";
import { provisionerRoutes } from "./provisioners/routes.ts";
import { replicaRoutes } from "./replicas/routes.ts";
import { templateRoutes } from "./templates/routes.ts";
import { templateVersionRoutes } from "./template-versions/routes.ts";
import { userRoutes } from "./users/routes.ts";
import { workspaceRoutes } from "./workspaces/routes.ts";

/** Every route of the public HTTP API, by operation id. */
export const routes = {
  ...deploymentRoutes,
  ...userRoutes,
  ...keyRoutes,
  ...organizationRoutes,
  ...fileRoutes,
  ...templateRoutes,
  ...templateVersionRoutes,
  ...workspaceRoutes,
  ...buildRoutes,
  ...agentRoutes,
  ...provisionerRoutes,
  ...replicaRoutes,
} as const;
