import type { Session } from "@berth/tunnel";

type Measured = Pick<Session, "measures">;

/** What passed since the last look, and how far away the clients are. */
export interface TrafficReport {
  readonly sessions: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly medianRoundTripMs: number | undefined;
}

/** Counts what all sessions have moved, those that have ended too. */
export class Traffic {
  readonly #sessions: () => readonly Measured[];
  #sentBefore = 0;
  #receivedBefore = 0;
  #reported = { sent: 0, received: 0 };

  constructor(sessions: () => readonly Measured[]) {
    this.#sessions = sessions;
  }

  ended({ measures }: Measured): void {
    this.#sentBefore += measures.sentBytes;
    this.#receivedBefore += measures.receivedBytes;
  }

  report(): TrafficReport {
    const now = this.#sessions().map(({ measures }) => measures);
    const sent = now.reduce((sum, { sentBytes }) => sum + sentBytes, this.#sentBefore);
    const received = now.reduce((sum, { receivedBytes }) => sum + receivedBytes, this.#receivedBefore);
    const roundTrips = now.map(({ roundTripMs }) => roundTripMs).sort((a, b) => a - b);
    const report = {
      sessions: now.length,
      sentBytes: Math.max(0, sent - this.#reported.sent),
      receivedBytes: Math.max(0, received - this.#reported.received),
      medianRoundTripMs: roundTrips[Math.floor(roundTrips.length / 2)],
    };
    this.#reported = { sent, received };
    return report;
  }
}
