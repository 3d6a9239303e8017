import { environment } from "@berth/config";
import { run } from "@berth/runtime";
import { builtInDaemons } from "./built-in-daemons.ts";
import { embeddedPostgres, namesPostgres } from "./embedded-postgres.ts";
import { greet } from "./greeting.ts";
import { services } from "./services.ts";

export { serverConfig } from "./config.ts";

/** `berth server`: the control plane in one process. */
export function main(argv: readonly string[]): void {
  run([...services, builtInDaemons], {
    argv,
    onReady: (process) => void greet(process),
    ...(namesPostgres(environment()) ? {} : { prepare: embeddedPostgres }),
  });
}
