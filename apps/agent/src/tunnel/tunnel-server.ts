import { messageOf } from "@berth/std";
import type { agent } from "@berth/contract";
import type { Logger } from "@berth/telemetry";
import {
  accept,
  type Acceptor,
  type KeyPair,
  readRelayMap,
  type RelayAddress,
  RelayConnection,
  type Session,
  type TunnelStream,
} from "@berth/tunnel";
import type { EndedSessions } from "./ended-sessions.ts";
import { forwardTcp } from "./forward-tcp.ts";
import { Traffic } from "./traffic.ts";

export interface TunnelServerOptions {
  readonly identity: KeyPair;
  /** The control plane as this workspace reaches it. */
  readonly planeUrl: string;
  readonly serverNow: () => number;
  readonly ended: EndedSessions;
  readonly serveSsh: (stream: TunnelStream) => void;
  readonly log: Logger;
}

/** Holds this agent's place at its relays and serves the sessions that come there. */
export class TunnelServer {
  readonly #options: TunnelServerOptions;
  readonly #relay: RelayConnection;
  readonly #acceptor: Acceptor;
  readonly traffic: Traffic;
  #manifest: agent.Manifest;
  #relays: readonly RelayAddress[] = [];

  constructor(options: TunnelServerOptions, manifest: agent.Manifest) {
    this.#options = options;
    this.#manifest = manifest;
    this.follow(manifest);
    this.#relay = new RelayConnection({
      identity: options.identity,
      relays: () => this.#relays,
      ticket: () => this.#manifest.relayTicket,
    });
    this.#relay.listen({
      up: ({ url }) => options.log.info("relay is up", { relay: url }),
      down: (reason) => options.log.info("relay is down", { reason }),
    });
    this.#acceptor = accept({
      relay: this.#relay,
      deploymentId: manifest.deploymentId,
      agentId: manifest.agentId,
      ticketKeys: () => this.#manifest.ticketKeys,
      serverNow: options.serverNow,
      isRevoked: (ticket) => options.ended.has(ticket),
      onSession: (session) => this.#serve(session),
    });
    this.traffic = new Traffic(() => this.#acceptor.sessions);
  }

  get relayRoundTripMs(): number | undefined {
    return this.#relay.roundTripMs;
  }

  /** Takes over a newer manifest: its relays, keys and ticket count from here on. */
  follow(manifest: agent.Manifest): void {
    const { planeUrl, log } = this.#options;
    this.#manifest = manifest;
    try {
      const forceWebSocket = manifest.derpForceWebsockets;
      this.#relays = readRelayMap(manifest.derpMapJson, { planeUrl, forceWebSocket });
    } catch (error) {
      log.warn("the relay map cannot be read: the one before it stays", { reason: messageOf(error) });
    }
  }

  /** Ends the sessions that the control plane has ended. */
  endSessions(): void {
    const { ended } = this.#options;
    this.#acceptor.endSessions((ticket) => ended.has(ticket), "ended by the control plane");
  }

  async close(): Promise<void> {
    await this.#acceptor.close();
    await this.#relay.close();
  }

  #serve(session: Session): void {
    const { log } = this.#options;
    const fields = { session: session.id, user: session.ticket?.userId };
    log.info("session began", fields);
    session.onStream((stream) => this.#serveStream(stream));
    void session.ended.then((end) => {
      this.traffic.ended(session);
      log.info("session ended", { ...fields, end });
    });
  }

  #serveStream(stream: TunnelStream): void {
    switch (stream.target.service) {
      case "ssh":
        return this.#options.serveSsh(stream);
      case "tcp":
        return forwardTcp(stream, stream.target);
      case "udp":
      case "pty":
      case "speedtest":
        return void stream.destroy(new Error(`this agent does not serve ${stream.target.service}`));
    }
  }
}
