import type { registry } from "@berth/contract";
import type { Joining, ReplicaRow } from "./store.ts";

type Listed = Pick<
  ReplicaRow,
  "id" | "hostname" | "services" | "version" | "accessUrl" | "relayUrl" | "poolSize" | "state"
>;

/** What is told to a replica that joins, beside those who are there. */
export function findingsOf(
  joining: Joining,
  live: readonly ReplicaRow[],
  connectionLimit: number,
): readonly registry.Finding[] {
  const all: readonly Listed[] = [joining, ...live.filter(({ id }) => id !== joining.id)];
  return [...poolFindings(joining, all, connectionLimit), ...versionFindings(all), ...accessUrlFindings(all)];
}

function poolFindings(joining: Joining, all: readonly Listed[], limit: number): registry.Finding[] {
  const { poolSize } = joining;
  if (poolSize > limit)
    return [
      {
        code: "EPOOL01",
        refused: true,
        message:
          `CODER_MAX_DB_CONNECTIONS is ${poolSize}, but Postgres gives ${limit} connections in all ` +
          `(max_connections less reserved): lower it to at most ${limit}, or raise max_connections`,
      },
    ];
  const holding = all.filter(({ state }) => state !== "unobserved");
  const sum = holding.reduce((total, replica) => total + replica.poolSize, 0);
  if (sum <= limit) return [];
  const table = holding.map(
    ({ hostname, services, poolSize: size }) => `${hostname} (${services.join(", ")}): ${size}`,
  );
  return [
    {
      code: "EPOOL02",
      refused: false,
      message:
        `the replicas may open ${sum} connections, but Postgres gives ${limit} (max_connections less reserved): ` +
        `lower CODER_MAX_DB_CONNECTIONS or raise max_connections. ${table.join("; ")}`,
    },
  ];
}

function versionFindings(all: readonly Listed[]): registry.Finding[] {
  const versions = countBy(all, ({ version }) => version);
  if (versions.size < 2) return [];
  return [
    {
      code: "EREP04",
      refused: false,
      message: `replicas run different versions, which is meant for the time of an upgrade only: ${listed(versions)}`,
    },
  ];
}

function accessUrlFindings(all: readonly Listed[]): registry.Finding[] {
  const urls = countBy(
    all.filter(({ accessUrl }) => accessUrl !== ""),
    ({ accessUrl }) => accessUrl,
  );
  const findings: registry.Finding[] = [];
  if (urls.size > 1)
    findings.push({
      code: "EREP06",
      refused: false,
      message: `replicas have different access URLs (CODER_ACCESS_URL should be the load balancer's at all): ${listed(urls)}`,
    });
  const local = all.find(
    ({ accessUrl, relayUrl }) => isLoopback(accessUrl) && relayUrl !== "" && !isLoopback(relayUrl),
  );
  if (local !== undefined)
    findings.push({
      code: "EREP06",
      refused: false,
      message: `${local.hostname}: the access URL ${local.accessUrl} is this machine's alone, while the relay URL ${local.relayUrl} is not: set CODER_ACCESS_URL to the load balancer's`,
    });
  return findings;
}

function isLoopback(url: string): boolean {
  const host = URL.parse(url)?.hostname ?? "";
  return host === "localhost" || host === "[::1]" || host.startsWith("127.");
}

function countBy(all: readonly Listed[], key: (replica: Listed) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const replica of all) counts.set(key(replica), (counts.get(key(replica)) ?? 0) + 1);
  return counts;
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([what, count]) => `${what} (${count})`).join(", ");
}
