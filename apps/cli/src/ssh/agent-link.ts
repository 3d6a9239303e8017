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
