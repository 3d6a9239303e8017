/**
 * `npm start`: everything in one process on an embedded Postgres. `npm start -- --nodes 3`: three nodes on one Postgres
 * behind a balancer. Whatever else is given goes to `berth server`.
 */
import { launchCluster } from "./cluster/launch.ts";

const args = process.argv.slice(2);
const at = args.findIndex((arg) => arg === "--nodes" || arg.startsWith("--nodes="));
const nodes = at < 0 ? undefined : Number(args[at]?.split("=")[1] ?? args[at + 1]);

if (nodes === undefined) {
  process.argv.splice(2, process.argv.length, "server", ...args);
  await import("../apps/berth/src/main.ts");
} else if (!Number.isInteger(nodes) || nodes < 1 || nodes > 9) {
  process.stderr.write("error: --nodes takes a number from 1 to 9, such as --nodes 3\n");
  process.exitCode = 78;
} else {
  const rest = args.toSpliced(at, args[at]?.includes("=") === true ? 1 : 2);
  process.exitCode = await launchCluster(nodes, rest);
}
