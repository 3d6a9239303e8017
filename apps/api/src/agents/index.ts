import { CodedError } from "@berth/std";
import { agent } from "@berth/contract";
import type { Mount } from "@berth/rpc";
import { databaseIsAway } from "../database-away.ts";
import type { EdgeContext } from "../edge-context.ts";
import { connectAgent } from "./connect.ts";

/** Puts the agents' service onto the listener. */
export function serveAgents(edge: EdgeContext, mount: Mount): void {
  mount.grpc(
    agent.AgentServiceService,
    {
      connect: async (stream, call) => {
        try {
          await connectAgent(edge, stream, call);
        } catch (error) {
          if (error instanceof CodedError || !databaseIsAway(error)) throw error;
          throw new CodedError("unavailable", "the database does not answer", { cause: error });
        }
      },
    },
    "public",
  );
}
