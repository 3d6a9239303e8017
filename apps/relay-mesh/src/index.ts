import { merge } from "@berth/config";
import { openDeployment } from "@berth/coordination";
import { type DatabaseConfig, databaseConfig } from "@berth/database";
import type { Service, ServiceContext } from "@berth/runtime";
import { byTicket, everybody } from "./admission.ts";
import { type RelayOptions, relayConfig } from "./config.ts";
import { drain } from "./drain.ts";
import { relayEvents } from "./events.ts";
import { Mesh } from "./mesh/mesh.ts";
import { exposeRelay } from "./metrics.ts";
import { Relay } from "./relay.ts";
import { mountRelay } from "./upgrade.ts";

type RelayConfig = RelayOptions & DatabaseConfig;

/** The DERP relay of this process, and its links to the sibling relays of the region. */
export const relayMesh: Service<RelayConfig> = {
  name: "relay-mesh",
  config: merge(relayConfig, databaseConfig),
  async start(context) {
    if (context.config.enabled) await startRelay(context);
    else context.log.info("the embedded relay is turned off");
  },
};

async function startRelay(context: ServiceContext<RelayConfig>): Promise<void> {
  const { config, mount, log, metrics, scope, process } = context;
  const deployment = await openDeployment(process, config, log, metrics);
  const events = relayEvents(log);
  const { deploymentId } = deployment.secrets;
  const admission = config.isOpen ? everybody : byTicket(deploymentId, () => deployment.signingKeys.all());
  const relay = new Relay(admission, events);
  const { replicaId, deploymentKey } = process;
  const mesh = new Mesh({ relay, replicaId, deploymentKey, metrics, events, scope });
  // Released in reverse: clients first, goodbye to the siblings last (R5).
  scope.add("goodbye to siblings", () => mesh.sayGoodbye());
  scope.add("relay", () => relay.close());
  scope.use("relay metrics", exposeRelay(metrics, relay));
  let isAccepting = true;
  mountRelay(mount, relay, () => isAccepting);
  mesh.serve(mount);
  context.onDrain("relay clients", async () => {
    isAccepting = false;
    await drain(relay, mesh, events, scope.signal);
    relay.close();
    mesh.sayGoodbye();
  });
  await mesh.follow(await process.joinCluster());
}
