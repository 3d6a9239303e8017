import type { Duplex } from "node:stream";

/** 32-byte X25519 key pair. */
export interface KeyPair {
  readonly publicKey: Buffer;
  readonly privateKey: Buffer;
}

/**
 * Somewhere packets can be sent: a relay, or later UDP straight to the peer. Numbers and the loss rule are per path.
 * Packets arrive whole, may be lost, and on a relay path are in order.
 */
export interface Path {
  readonly id: number;
  readonly kind: "relay" | "direct";
  readonly maxPacketBytes: number;
  /** False: the path's buffer is full; wait for `onDrain`. */
  send(packet: Buffer): boolean;
  onPacket(hear: (packet: Buffer, from: Buffer) => void): void;
  onDrain(hear: () => void): void;
}

/** What a ticket says; signed by the plane, checked offline by agents and relays. Times in Unix milliseconds. */
export interface TicketClaims {
  readonly ticketId: string;
  /** `session`: a client may open a session at an agent. `relay`: this key may use relays (agents, replicas). */
  readonly kind: "session" | "relay";
  /** The bearer's X25519 public key, 64 lower-case hex digits. */
  readonly bearerKey: string;
  readonly deploymentId: string;
  readonly issuedAt: number;
  /** A new session at the agent must begin before this (2 min after issue). */
  readonly startBefore: number;
  /** Relays admit the key until then (12 h after issue). */
  readonly relayUntil: number;
  readonly agentId?: string;
  /** The agent's public key that the ticket is good for, hex. */
  readonly agentKey?: string;
  readonly userId?: string;
  readonly permissions?: readonly TunnelService[];
}

/** What an agent serves inside a session. */
export type TunnelService = "ssh" | "tcp" | "udp" | "pty" | "speedtest";

/** The first bytes of a stream say what it is for. */
export interface StreamTarget {
  readonly service: TunnelService;
  /** For tcp and udp. */
  readonly host?: string;
  readonly port?: number;
}

/** A reliable byte stream inside a session, with credit and end-to-end order. */
export type TunnelStream = Duplex & { readonly target: StreamTarget };

/** An encrypted session between two keys. It outlives any relay. */
export interface Session {
  readonly id: string;
  readonly peerKey: Buffer;
  /** Present at the accepting side: the verified ticket. */
  readonly ticket?: TicketClaims;
  open(target: StreamTarget): Promise<TunnelStream>;
  /** Smoothed round trip in milliseconds, and bytes moved. */
  readonly measures: {
    readonly roundTripMs: number;
    readonly sentBytes: number;
    readonly receivedBytes: number;
  };
  /** Settles when the session has ended: what ended it is data. */
  readonly ended: Promise<SessionEnd>;
  close(reason?: string): Promise<void>;
}

/** Why a session is over. */
export type SessionEnd =
  | { readonly kind: "closed"; readonly by: "us" | "peer"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "abandoned"; readonly silentMs: number };

/** One node of a relay map and how to reach it. */
export interface RelayAddress {
  /** `http(s)://host[:port]`; `/derp` is added. */
  readonly url: string;
  readonly regionId: number;
  readonly regionName: string;
  readonly forceWebSocket?: boolean;
}
