import { provisioner } from "@berth/contract";
import { type Client, connect } from "@berth/rpc";
import { codeOf } from "@berth/std";
import type { Credentials } from "../credentials.ts";

const definition = provisioner.ProvisionerDaemonServiceService;

/** A connection to one replica, whichever the target leads to. */
export type ReplicaClient = Client<typeof definition>;

/**
 * Opens connections to the control plane: after `failures` in a row, to the target that is then next, the first being the
 * daemon's own node. Each has a TCP connection of its own, because behind a balancer that is what leads to another replica.
 */
export class Replicas {
  readonly #targets: readonly string[];
  readonly #credentials: Credentials;

  constructor(targets: readonly string[], credentials: Credentials) {
    this.#targets = targets;
    this.#credentials = credentials;
  }

  /** Opens a connection; dispose it to end its calls. */
  dial(failures: number): ReplicaClient {
    const target = this.#targets[failures % this.#targets.length];
    if (target === undefined) throw new Error("dialing the control plane: no target");
    return connect(definition, { targets: [target], headers: this.#credentials, ownConnection: true });
  }
}

/** Whether the control plane refuses this daemon for good: dialing again would not change its answer. */
export function isRefusal(error: unknown): boolean {
  return ["unauthenticated", "permission_denied"].includes(codeOf(error));
}
