import { expect } from "vitest";
import { openWebSocket, type WebSocketConnection } from "@berth/rpc";
import { eventually } from "@berth/testing";
import type { Replica } from "./deployment.ts";

/** Everything a follower was sent, parsed. */
export class Followed<T> {
  readonly messages: T[] = [];
  readonly closed: WebSocketConnection["closed"];
  readonly #connection: WebSocketConnection;

  private constructor(connection: WebSocketConnection) {
    this.#connection = connection;
    this.closed = connection.closed;
    void (async () => {
      for await (const text of connection.messages) this.messages.push(JSON.parse(String(text)) as T);
    })();
  }

  static async open<T>(replica: Replica, path: string): Promise<Followed<T>> {
    return new Followed<T>(await openWebSocket(`${replica.url}/api/v2${path}`));
  }

  until(count: number): Promise<readonly T[]> {
    return eventually(() => {
      expect(this.messages.length).toBeGreaterThanOrEqual(count);
      return this.messages;
    });
  }

  close(): void {
    this.#connection.close();
  }
}
