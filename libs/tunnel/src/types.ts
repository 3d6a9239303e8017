import type { Duplex } from "node:stream";

/** 32-byte X25519 key pair. */
export interface KeyPair {
  readonly publicKey: Buffer;
  readonly privateKey: Buffer;
}

/**
 * Somewhere a session's packets can be sent: a relay, or later UDP straight to the peer. The loss rule is per kind: what is
 * sent on a relay path arrives in order or not at all.
 */
export interface Path {
  readonly kind: "relay" | "direct";
  readonly maxPacketBytes: number;
  /**
   * Takes a packet, in parts that are joined on the way. It takes it always; false: the path's buffer is full, and more should
   * wait for `onDrain`.
   */
  send(parts: readonly Buffer[]): boolean;
  /** Hears each time a full buffer has emptied. */
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
  readonly ticket?: TicketClaims | undefined;
  /**
   * Opens a stream. It does not wait for the peer: a target that is refused surfaces as the stream's error.
   * @throws CodedError `unavailable` when the session has ended.
   */
  open(target: StreamTarget): Promise<TunnelStream>;
  /** Hears of every stream that the peer opens; those that came before wait for it. */
  onStream(hear: (stream: TunnelStream) => void): void;
  /** Hands the peer a fresh ticket: a session ends when its last ticket's `relayUntil` has passed. */
  renew(ticket: string): void;
  /** Smoothed round trip in milliseconds, bytes moved, and for how long the peer has owed an answer. */
  readonly measures: {
    readonly roundTripMs: number;
    readonly sentBytes: number;
    readonly receivedBytes: number;
    readonly unansweredMs: number;
  };
  /** Settles when the session has ended: what ended it is data. */
  readonly ended: Promise<SessionEnd>;
  close(reason?: string): Promise<void>;
}

/** What a process connects to relays with; one connection serves all its sessions. */
export interface RelayConnectionOptions {
  /** Its key is the address at which others reach it, and the key of its sessions. */
  readonly identity: KeyPair;
  /** Asked at every connect. The first one's region is home; others of that region stand in for it. */
  readonly relays: () => readonly RelayAddress[];
  /** The present ticket, asked at every connect, so that a renewed one is used. */
  readonly ticket: () => string | undefined;
}

/** Opens one session. */
export interface DialOptions<Relay> {
  readonly relay: Relay;
  readonly peerKey: Buffer;
  /** A ticket of kind `session` for the relay's identity. */
  readonly ticket: string;
  readonly signal?: AbortSignal;
  /** How long to try before `unavailable`; 30 s unless told. */
  readonly timeoutMs?: number;
}

/** Takes sessions. */
export interface AcceptOptions<Relay> {
  readonly relay: Relay;
  readonly deploymentId: string;
  readonly agentId: string;
  /** The deployment's public keys as last heard: a ticket signed by another is refused. */
  readonly ticketKeys: () => readonly { readonly id: string; readonly publicKey: Buffer }[];
  /** The server's clock, Unix milliseconds: what a ticket's times are judged by. */
  readonly serverNow: () => number;
  /** Whether a ticket has been revoked (its user's sessions were ended after it was issued). */
  readonly isRevoked?: (ticket: TicketClaims) => boolean;
  /** A session whose peer has proved that it is alive. Its streams are limited to the ticket's permissions. */
  readonly onSession: (session: Session) => void;
}

/** What `accept` answers. */
export interface Acceptor {
  readonly sessions: readonly Session[];
  /** Ends every session whose ticket matches: a user's, or one ticket's. */
  endSessions(matches: (ticket: TicketClaims) => boolean, reason: string): void;
  /** Ends all sessions and takes no more. The relay connection is its owner's to close. */
  close(): Promise<void>;
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
