import { registry } from "@berth/contract";
import { openDeployment } from "@berth/coordination";
import { type DatabaseConfig, databaseConfig, migrate, type Migrations } from "@berth/database";
import type { Cluster, Service } from "@berth/runtime";
import { joinCluster } from "./handlers/join-cluster.ts";
import { listReplicas } from "./handlers/list-replicas.ts";
import { exposeReplicas } from "./metrics.ts";
import { Registry } from "./registry.ts";

/** The migrations of the schema `registry`. */
export const registryMigrations = (): Migrations => ({
  schema: "registry",
  folder: new URL("../migrations/", import.meta.url),
});

/** Knows which replicas are alive, where they are and how far apart. */
export const replicaRegistry: Service<DatabaseConfig> = {
  name: "replica-registry",
  config: databaseConfig,
  async start({ config, mount, log, metrics, scope, signal, process, fail }) {
    const { database, hints } = await openDeployment(process, config, log, metrics);
    await migrate(database, registryMigrations(), log);
    let cluster: Cluster | undefined;
    const own = scope.use(
      "registry",
      await Registry.open({
        ...{ ownId: process.replicaId, database, hints, log },
        isAnswering: (replicaId) => cluster?.isAnswering(replicaId) ?? false,
      }),
    );
    mount.grpc(
      registry.ReplicaRegistryServiceService,
      { joinCluster: joinCluster(own), listReplicas: listReplicas(own) },
      "internal",
    );
    signal.addEventListener("abort", () => own.leave());
    scope.use("metrics", exposeReplicas(metrics, database, own.view));
    process.joinCluster().then((joined) => (cluster = joined), fail);
  },
};
