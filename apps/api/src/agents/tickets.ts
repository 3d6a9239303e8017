import { randomUUID } from "node:crypto";
import type { DeploymentSecrets, SigningKeys } from "@berth/coordination";
import { signTicket, type TicketClaims, type TunnelService } from "@berth/tunnel";

const START_WITHIN_MS = 2 * 60_000;
const RELAY_FOR_MS = 12 * 60 * 60_000;
const EVERYTHING: readonly TunnelService[] = ["ssh", "tcp", "udp", "pty", "speedtest"];

/** What tickets are signed with. */
export interface TicketIssuer {
  readonly secrets: Pick<DeploymentSecrets, "deploymentId">;
  readonly signingKeys: Pick<SigningKeys, "current">;
}

/** A signed ticket and what it says. */
export interface IssuedTicket {
  readonly token: string;
  readonly claims: TicketClaims;
}

/** A ticket for one session of one client key at one agent. Whether the user may have it is the caller's to decide. */
export function issueSessionTicket(
  issuer: TicketIssuer,
  subject: {
    readonly agentId: string;
    readonly agentKey: Buffer;
    readonly userId: string;
    /** 64 lower-case hex digits. */
    readonly clientPublicKey: string;
  },
): IssuedTicket {
  return issue(issuer, {
    kind: "session",
    bearerKey: subject.clientPublicKey,
    agentId: subject.agentId,
    agentKey: subject.agentKey.toString("hex"),
    userId: subject.userId,
    permissions: EVERYTHING,
  });
}

/** What admits an agent's key at relays. */
export function issueRelayTicket(issuer: TicketIssuer, agentId: string, agentKey: Buffer): IssuedTicket {
  return issue(issuer, { kind: "relay", bearerKey: agentKey.toString("hex"), agentId });
}

type Claimed = Omit<TicketClaims, "ticketId" | "deploymentId" | "issuedAt" | "startBefore" | "relayUntil">;

function issue({ secrets, signingKeys }: TicketIssuer, claimed: Claimed): IssuedTicket {
  const issuedAt = Date.now();
  const claims: TicketClaims = {
    ticketId: randomUUID(),
    deploymentId: secrets.deploymentId,
    issuedAt,
    startBefore: issuedAt + START_WITHIN_MS,
    relayUntil: issuedAt + RELAY_FOR_MS,
    ...claimed,
  };
  return { token: signTicket(claims, signingKeys.current()), claims };
}
