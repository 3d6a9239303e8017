import type { Static } from "typebox";
import { route } from "../route.ts";
import { id, integer, list, oneOf, shape, text, time } from "../shape.ts";

/** One process of the control plane. */
export const Replica = shape("Replica", {
  id: id(),
  hostname: text(),
  created_at: time(),
  relay_address: text(),
  region_id: integer(),
  error: text(),
  /** Microseconds. */
  database_latency: integer(),
  state: oneOf("starting", "ready", "draining", "stopped", "lost", "unobserved"),
  services: list(text()),
  version: text(),
});
export type Replica = Static<typeof Replica>;

/** Processes of the control plane. */
export const replicaRoutes = {
  listReplicas: route({
    id: "listReplicas",
    method: "GET",
    path: "/api/v2/replicas",
    summary: "The processes of the control plane, as the registry last said",
    tag: "Replicas",
    permission: "replicas:read",
    status: 200,
    response: list(Replica),
  }),
} as const;
