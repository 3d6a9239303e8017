import { type AgentConnection, type HttpClient, routes, type WorkspaceAgent } from "@berth/http-api";
import { CodedError, Scope, sleep } from "@berth/std";
import {
  dial,
  generateKeyPair,
  type KeyPair,
  RelayConnection,
  readRelayMap,
  type Session,
} from "@berth/tunnel";
import type { LoggedIn } from "../cli-context.ts";

/** A session at an agent, and what proves that it is that agent. */
export interface AgentLink extends AsyncDisposable {
  readonly session: Session;
  /** One line of authorized_keys form, as the plane knows it. */
  readonly sshHostKey: string;
  readonly regionName: string;
}

/** A ticket is renewed when half of its life is over. */
const RENEW_AT = 0.5;
const RENEW_RETRY_MS = 60_000;
/** An agent that has owed an answer for so long may be another one by now. */
const UNANSWERED_MS = 5_000;
const LOOK_MS = 2_500;

/**
 * Opens a session with a key made for this process. Its ticket is renewed while it lasts; relays may come and go.
 * @throws CodedError when the plane gives no ticket or the agent refuses it.
 */
export async function linkAgent(
  { client, url }: LoggedIn,
  agent: WorkspaceAgent,
  signal: AbortSignal,
): Promise<AgentLink> {
  const scope = new Scope();
  try {
    const identity = generateKeyPair();
    const connection = await ticketFor(client, agent, identity);
    const relays = readRelayMap(JSON.stringify(connection.derp_map), {
      planeUrl: url,
      forceWebSocket: connection.derp_force_websockets,
    });
    const [home] = relays;
    if (home === undefined)
      throw new CodedError(
        "failed_precondition",
        "the deployment has no relay: its administrator must enable one",
      );
    const present = { ticket: connection.ticket };
    const relay = new RelayConnection({ identity, relays: () => relays, ticket: () => present.ticket });
    scope.add("relay", () => relay.close());
    const session = await dial({
      relay,
      peerKey: Buffer.from(connection.agent_public_key, "hex"),
      ticket: connection.ticket,
      signal,
    });
    scope.add("session", () => session.close("the client has left"));
    void endWithAgent(client, connection, session, scope.signal);
    void keepFresh(client, agent, identity, connection, scope.signal, (ticket) => {
      present.ticket = ticket;
      session.renew(ticket);
    });
    return {
      session,
      sshHostKey: connection.ssh_host_key,
      regionName: home.regionName,
      [Symbol.asyncDispose]: () => scope.close(),
    };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

function ticketFor(
  client: HttpClient,
  agent: WorkspaceAgent,
  { publicKey }: KeyPair,
): Promise<AgentConnection> {
  return client.call(routes.connectWorkspaceAgent, {
    params: { agent: agent.id },
    body: { client_public_key: publicKey.toString("hex") },
  });
}

/**
 * Ends the session when a new agent process has taken the place of one that was killed, for that one could say no goodbye. One
 * that is only away keeps its session.
 */
async function endWithAgent(
  client: HttpClient,
  first: AgentConnection,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  for (await sleep(LOOK_MS, signal); !signal.aborted; await sleep(LOOK_MS, signal)) {
    const { unansweredMs, roundTripMs } = session.measures;
    if (unansweredMs < UNANSWERED_MS + 3 * roundTripMs) continue;
    const now = await client
      .call(routes.getWorkspaceAgentConnection, { params: { agent: first.agent_id } })
      .catch(() => undefined); // a plane that is away ends no session
    if (now?.ssh_host_key !== undefined && now.ssh_host_key !== first.ssh_host_key)
      await session.close("the workspace's agent was started anew");
  }
}

/** Asks for another ticket in time. */
async function keepFresh(
  client: HttpClient,
  agent: WorkspaceAgent,
  identity: KeyPair,
  first: AgentConnection,
  signal: AbortSignal,
  renew: (ticket: string) => void,
): Promise<void> {
  const pause = (until: string) => Math.max(RENEW_RETRY_MS, (Date.parse(until) - Date.now()) * RENEW_AT);
  let ticket = first;
  for (await sleep(pause(ticket.relay_until), signal); !signal.aborted;) {
    // a plane that does not answer is asked again: the old ticket is good for hours yet
    const fresh = await ticketFor(client, agent, identity).catch(() => undefined);
    if (fresh !== undefined) renew(fresh.ticket);
    ticket = fresh ?? ticket;
    await sleep(pause(ticket.relay_until), signal);
  }
}
