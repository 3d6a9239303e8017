import type { Queryable } from "@berth/database";
import { Problem } from "../http/problem.ts";
import type { Plane } from "../plane.ts";
import { countUsers } from "../users/store.ts";

/**
 * A template that runs on the machine itself runs as the server's user: whoever can build it is that user. It is built only
 * where nobody else can: a loopback listener, one user, our own Postgres.
 * @throws Problem 412 that says what stands against it
 */
export async function checkLocalTemplate(
  sql: Queryable,
  { config, process }: Pick<Plane, "config" | "process">,
): Promise<void> {
  if (config.allowLocalTemplate) return;
  const reasons = [
    ...(isLoopback(process.address)
      ? []
      : [`this server listens on ${process.address}, which others can reach`]),
    ...(config.embeddedPostgres ? [] : ["the database is not the embedded one"]),
    ...((await countUsers(sql)) > 1 ? ["there is more than one user"] : []),
  ];
  if (reasons.length === 0) return;
  throw new Problem(412, "This template runs as the user of the server, and is not safe to build here.", {
    detail: `It is refused because ${reasons.join(", and ")}. Where everybody who can log in may act as the server's user, set CODER_DANGEROUS_ALLOW_LOCAL_TEMPLATE=true.`,
  });
}

function isLoopback(address: string): boolean {
  return /^(127\.|localhost:|\[?::1\]?:)/.test(address);
}
