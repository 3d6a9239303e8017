import { join } from "node:path";
import type { ValuesOf } from "@berth/config";
import { openDeployment } from "@berth/coordination";
import { databaseConfig } from "@berth/database";
import { merge, section, url } from "@berth/config";
import type { Service } from "@berth/runtime";
import { serverConfig } from "./config.ts";
import { DaemonSlot } from "./daemon-slot.ts";
import { ownUrl } from "./greeting.ts";

const config = merge(
  merge(serverConfig, databaseConfig),
  section({ accessUrl: url("CODER_ACCESS_URL", "How everybody else reaches this deployment") }),
);

/**
 * The node's own provisioner daemons: child processes, so that a build never shares a process with the control plane. They dial
 * this node first and the access URL next, and outlive the node for as long as their build does.
 */
export const builtInDaemons: Service<ValuesOf<typeof config>> = {
  name: "provisioner-daemons",
  config,
  async start({ config, scope, log, process, onDrain }) {
    if (config.daemons === 0) return;
    const { secrets } = await openDeployment(process, config, log);
    const own = ownUrl(process.address);
    const slots = Array.from(
      { length: config.daemons },
      (_, number) =>
        new DaemonSlot({
          name: `${process.hostname}-${number + 1}`,
          cacheFolder: join(config.cacheFolder, `slot-${number}`),
          environment: {
            CODER_URL: [own, ...(config.accessUrl === undefined ? [] : [config.accessUrl.href])].join(","),
            CODER_PROVISIONER_DAEMON_BUILTIN: secrets.derive("provisioner/built-in").toString("hex"),
          },
          log,
        }),
    );
    for (const slot of slots) {
      scope.add("daemon", () => slot.stop("SIGINT"));
      slot.start();
    }
    onDrain("daemons", async (reason) => {
      await Promise.all(
        slots.map((slot) => slot.stop(reason === "SIGINT" || reason === "failure" ? "SIGINT" : "SIGHUP")),
      );
    });
  },
};
