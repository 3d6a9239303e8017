import type { ClientConfig } from "pg";
import type { DatabaseAddress } from "./address.ts";
import type { DatabaseError } from "./database-error.ts";
import { DatabaseSocket } from "./database-socket.ts";
import { Pool, type PoolOptions } from "./pool.ts";

/** Makes connections for both drivers, from one address, over one kind of socket, and can drop them all. */
export class Connector {
  readonly address: DatabaseAddress;
  readonly #name: string;
  readonly #pools = new Set<Pool>();

  constructor(address: DatabaseAddress, applicationName: string) {
    this.address = address;
    this.#name = applicationName;
  }

  pool(options: Omit<PoolOptions, "applicationName">): Pool {
    const pool = new Pool(this.address, { ...options, applicationName: this.#name }, () =>
      this.#pools.delete(pool),
    );
    this.#pools.add(pool);
    return pool;
  }

  /** For pg, under pg-listen. `opened` is given the socket, since pg-listen's own close may wait for a dead server. */
  listener(opened: (socket: DatabaseSocket) => void): ClientConfig {
    const { host, port, user, database, password } = this.address;
    return {
      ...{ host, port, user, database, password: () => password.value },
      ssl: false, // the socket has it
      application_name: `${this.#name} listener`,
      stream: () => {
        const socket = new DatabaseSocket(this.address, {});
        opened(socket);
        return socket;
      },
    };
  }

  /** Ends every connection with the fault: their server is gone, or is no longer the one that writes. */
  dropAll(fault: DatabaseError): void {
    for (const pool of this.#pools) for (const socket of [...pool.sockets]) socket.lose(fault);
  }
}
