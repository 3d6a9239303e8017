import type { Logger } from "@berth/telemetry";
import type { State } from "./states.ts";
import type { Joining } from "./store.ts";

/** The business events of the registry, one line each. */
export function events(log: Logger) {
  return {
    joined: ({ id, hostname, services, state }: Joining) =>
      log.info("a replica joined", { member: id, hostname, services, state }),
    refused: ({ id, hostname }: Joining, reason: string) =>
      log.warn("a replica was refused", { member: id, hostname, reason }),
    judged: (ids: readonly string[], state: State, reason: string) => {
      for (const id of ids) log.info(`a replica is ${state}`, { member: id, reason });
    },
    registryDied: (id: string) =>
      log.warn("a registry died: its members are unobserved until they join another", { registry: id }),
    registryCutOff: (id: string) =>
      log.warn("a registry answers, but reaches Postgres no longer: its members are unobserved meanwhile", {
        registry: id,
      }),
  };
}

/** The registry's business events. */
export type Events = ReturnType<typeof events>;
