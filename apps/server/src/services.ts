import { api } from "@berth/api";
import { relayMesh } from "@berth/relay-mesh";
import { replicaRegistry } from "@berth/replica-registry";
import type { Service } from "@berth/runtime";

/** The services of a node, supporting ones first: they start first and end last. */
export const services: readonly Service[] = [replicaRegistry, relayMesh, api];
