import { routes } from "@berth/http-api";
import { on, type Handled } from "../http/handler.ts";
import type { Plane } from "../plane.ts";
import { replicaView } from "./view.ts";

export const replicaHandlers = ({ cluster }: Plane): readonly Handled[] => [
  on(routes.listReplicas, () =>
    Promise.resolve(
      (cluster()?.replicas() ?? [])
        .map(replicaView)
        .toSorted((a, b) => (a.created_at < b.created_at ? -1 : 1)),
    ),
  ),
];
