import type { RelayConnection } from "./relay-connection.ts";
import type { TunnelSession } from "./session.ts";
import type { Path } from "./types.ts";

/** Gives a session a path over the relay connection each time that it is up, until the session ends. */
export function carry(session: TunnelSession, relay: RelayConnection): void {
  let path: (Path & Disposable) | undefined;
  const leave = () => {
    path?.[Symbol.dispose]();
    path = undefined;
  };
  const listening = relay.listen({
    up: () => {
      leave();
      path = relay.path(session.peerKey);
      session.usePath(path);
    },
    down: () => {
      leave();
      session.losePath();
    },
  });
  void session.ended.then(() => {
    listening[Symbol.dispose]();
    leave();
  });
}
