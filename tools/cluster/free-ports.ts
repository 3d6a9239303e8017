import { createServer } from "node:net";

/** Ports that nobody has now: held open together, so that no two are the same. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const bound = server.address();
      await new Promise((resolve) => server.close(resolve));
      if (bound === null || typeof bound === "string")
        throw new Error("asking for a free port: none was given");
      return bound.port;
    }),
  );
}
