import type { Process } from "@berth/runtime";

/** Says where the deployment is and what to do next: the one thing on stdout. */
export async function greet(self: Process): Promise<void> {
  const cluster = await self.joinCluster();
  const listed = cluster.replicas().find(({ id }) => id === self.replicaId);
  const at = (listed?.accessUrl ?? "").replace(/\/$/, "") || ownUrl(self.address);
  process.stdout.write(`
Berth is ready at ${at}

  npx berth login ${at}
  npx berth templates init --id local ./local
  npx berth templates push local --directory ./local --yes
  npx berth create dev --template local --yes
  npx berth ssh dev

`);
}

/** How this machine reaches its own listener. */
export function ownUrl(address: string): string {
  return `http://${address.replace(/^(0\.0\.0\.0|\[?::\]?):/, "127.0.0.1:")}`;
}
