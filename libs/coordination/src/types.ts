import type { Id } from "@berth/std";
import type { Queryable, TransactionSql } from "@berth/database";

/** Wakes readers sooner than their tick would. Losing one costs latency, never correctness. */
export interface Hints {
  /**
   * Arms a wait on a channel (and, when given, one id): resolves at the next hint, at `dropped`, after `tickMs`
   * (5 s unless told), or when the signal is aborted. Arm before reading.
   */
  next(channel: string, options?: { id?: string; tickMs?: number; signal?: AbortSignal }): Promise<void>;
  /** Notifies in the caller's transaction: for rare events. */
  notify(sql: Queryable, channel: string, id: string): Promise<void>;
  /** Notifies after commit, coalesced per channel to at most 20 a second: for hot writers. */
  notifySoon(channel: string, id: string): void;
}

/** Names what a lease guards, e.g. `leader/reaper`. */
export type LeaseName = string;

/** A lease that was won. `epoch` guards every write done under it. */
export interface Lease {
  readonly name: LeaseName;
  readonly epoch: bigint;
  readonly nonce: Id<"lease">;
  /** Aborted when the lease is lost or given up. */
  readonly signal: AbortSignal;
  /**
   * Runs a write in one transaction after checking name and epoch under the row's lock.
   * @throws LeaseLostError when another holds it.
   */
  guard<T>(write: (sql: TransactionSql) => Promise<T>): Promise<T>;
  release(): Promise<void>;
}

/** Keeps trying to hold a lease and calls `lead` each time it is won, until the signal is aborted. */
export interface Leases {
  lead(name: LeaseName, signal: AbortSignal, lead: (lease: Lease) => Promise<void>): Promise<void>;
}

/** Secrets of the deployment, created once under a lock, the same at every replica. */
export interface DeploymentSecrets {
  /** 32 random bytes; proved by HMAC, never sent. */
  readonly deploymentKey: Buffer;
  /** UUID of the deployment. */
  readonly deploymentId: string;
  /** A key derived from the deployment key for one purpose (HMAC-SHA256 of the purpose), 32 bytes. */
  derive(purpose: string): Buffer;
}

/** An Ed25519 pair that signs tickets; `next` is published 24 h before its first use, the last one is kept. */
export interface SigningKey {
  readonly id: string;
  /** Raw 32 bytes. */
  readonly publicKey: Buffer;
  /** PKCS#8 DER; only where tickets are signed. */
  readonly privateKey: Buffer;
  readonly startsAt: Date;
  readonly expiresAt: Date;
}

/** The signing keys that are valid now, refreshed in the background. */
export interface SigningKeys {
  /** The key to sign with. */
  current(): SigningKey;
  /** Every key a verifier must accept: last, current, next. */
  all(): readonly SigningKey[];
  /** Called after a change. */
  onChange(hear: () => void): Disposable;
}
