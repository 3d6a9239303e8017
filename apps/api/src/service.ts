import { openDeployment } from "@berth/coordination";
import { migrate } from "@berth/database";
import type { Cluster, Service, ServiceContext } from "@berth/runtime";
import { version } from "@berth/std";
import { type ApiConfig, apiConfig } from "./config.ts";
import { deriveAccessUrl } from "./deployment/access-url.ts";
import { derpMapOf } from "./deployment/derp-map.ts";
import { type Edges, serveEdges } from "./edges.ts";
import { serveHttp } from "./http/serve.ts";
import { apiMigrations } from "./migrations.ts";
import type { Plane } from "./plane.ts";

/** The HTTP API, the pages, and what daemons and agents dial. */
export const api: Service<ApiConfig> = {
  name: "api",
  config: apiConfig,
  async start(context) {
    const plane = await openPlane(context);
    const edges: Edges = serveEdges(plane, context.fail);
    await serveHttp(plane, edges);
    plane.log.info("api is served", { accessUrl: plane.accessUrl.href, version });
  },
};

async function openPlane(context: ServiceContext<ApiConfig>): Promise<Plane> {
  const { config, process, log, metrics } = context;
  const deployment = await openDeployment(process, config, log, metrics);
  await migrate(deployment.database, apiMigrations, log);
  const accessUrl = config.accessUrl ?? deriveAccessUrl(process.address, config);
  return {
    ...context,
    ...deployment,
    accessUrl,
    derpMap: derpMapOf(config, accessUrl),
    cluster: joiningCluster(context),
  };
}

/** The cluster once it was joined: nothing is kept waiting for a registry that is not there yet. */
function joiningCluster({ process, fail }: ServiceContext<ApiConfig>): () => Cluster | undefined {
  let joined: Cluster | undefined;
  process.joinCluster().then((cluster) => (joined = cluster), fail);
  return () => joined;
}
