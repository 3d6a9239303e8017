import { servePostgres, SOCKET_VARIABLE } from "../run-postgres.ts";

/** Runs once per vitest run, in its main process; what it answers runs at the end. */
export default async function setUp(): Promise<() => Promise<void>> {
  // vitest called by a path of its own runs silently on an older Node
  if (Number(process.versions.node.split(".")[0]) < 24)
    throw new Error(`tests need Node 24, this is ${process.version}: put node_modules/.bin first on PATH`);
  const postgres = await servePostgres();
  process.env[SOCKET_VARIABLE] = postgres.socket;
  return async () => {
    await postgres[Symbol.asyncDispose]();
  };
}
