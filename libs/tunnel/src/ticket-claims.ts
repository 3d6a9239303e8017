import type { TicketClaims, TunnelService } from "./types.ts";

const SERVICES: readonly string[] = ["ssh", "tcp", "udp", "pty", "speedtest"] satisfies TunnelService[];

/** Whether the text names a service of an agent. */
export function isTunnelService(text: unknown): text is TunnelService {
  return typeof text === "string" && SERVICES.includes(text);
}

/**
 * The claims and key id in a ticket's JSON; undefined unless every field has its type. Fields and services of a newer
 * release are dropped, so that old agents take new tickets.
 */
export function parseClaims(json: string): { keyId: string; claims: TicketClaims } | undefined {
  const fields = parseObject(json);
  if (fields === undefined) return undefined;
  const { kid, kind, ticketId, bearerKey, deploymentId, issuedAt, startBefore, relayUntil } = fields;
  if (kind !== "session" && kind !== "relay") return undefined;
  if (!isText(kid) || !isText(ticketId) || !isText(bearerKey) || !isText(deploymentId)) return undefined;
  if (!isTime(issuedAt) || !isTime(startBefore) || !isTime(relayUntil)) return undefined;
  const optional = parseOptional(fields);
  if (optional === undefined) return undefined;
  const required = { ticketId, kind, bearerKey, deploymentId, issuedAt, startBefore, relayUntil } as const;
  return { keyId: kid, claims: { ...required, ...optional } };
}

function parseOptional(fields: Record<string, unknown>): Partial<TicketClaims> | undefined {
  const { agentId, agentKey, userId, permissions } = fields;
  if (!isTextOrAbsent(agentId) || !isTextOrAbsent(agentKey) || !isTextOrAbsent(userId)) return undefined;
  if (permissions !== undefined && !Array.isArray(permissions)) return undefined;
  return {
    ...(agentId !== undefined && { agentId }),
    ...(agentKey !== undefined && { agentKey }),
    ...(userId !== undefined && { userId }),
    ...(permissions !== undefined && { permissions: permissions.filter(isTunnelService) }),
  };
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // not JSON: the caller says malformed
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
