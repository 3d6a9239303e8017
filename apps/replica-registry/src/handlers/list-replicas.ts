import type { registry } from "@berth/contract";
import type { Registry } from "../registry.ts";

/** Answers the members once, never older than asked for. */
export function listReplicas(own: Registry) {
  return async (request: registry.ListReplicasRequest): Promise<registry.ListReplicasResponse> => {
    await own.reach(request.notBeforeRevision);
    return { view: { ...own.view.snapshot(), stale: own.isStale } };
  };
}
