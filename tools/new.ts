/**
 * `npm run new service <name>`, `new rpc <service> <RpcName>`, `new migration <service> <name> [expand|contract]`: arguments
 * only, never a question. What they make passes `npm run check` and has tests of its own.
 */
import { newMigration } from "./new/migration.ts";
import { newRpc } from "./new/rpc.ts";
import { newService } from "./new/service.ts";

const USAGE = `usage: npm run new service <name>
       npm run new rpc <service> <RpcName>
       npm run new migration <service> <name> [expand|contract]
`;

const [kind, ...args] = process.argv.slice(2);
const makers: Readonly<Record<string, (args: readonly string[]) => void>> = {
  service: newService,
  rpc: newRpc,
  migration: newMigration,
};
const make = makers[kind ?? ""];
if (make === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 1;
} else
  try {
    make(args);
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exitCode = 1;
  }
