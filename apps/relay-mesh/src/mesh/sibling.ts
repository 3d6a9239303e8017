import { deferred } from "@berth/std";
import { LinkSender } from "./link-sender.ts";
import { RoundTripWindow } from "./round-trips.ts";
import type { SiblingLink } from "./sibling-link.ts";

/** Another relay of the region, as long as anything is known of it. */
export class Sibling {
  readonly replicaId: string;
  /** What goes to it, whoever dialed. */
  readonly sender: LinkSender;
  readonly roundTrips = new RoundTripWindow();
  /** Settles when the first attempt to link has brought a snapshot, or has failed. */
  readonly attempted = deferred();
  /** Up while its keys are known: set by whoever dialed. */
  link: SiblingLink | undefined;
  /** Ends the dialing, if this side dials. */
  dialing: AbortController | undefined;
  /** That it is down was said: a sibling that stays away is worth one line, not one per attempt. */
  isToldDown = false;
  relayUrl = "";
  hostname = "";

  constructor(replicaId: string, dropped: (frames: number) => void) {
    this.replicaId = replicaId;
    this.sender = new LinkSender(dropped);
  }

  /** For logs and metrics. */
  get label(): string {
    return this.hostname === "" ? this.replicaId : `${this.hostname}/${this.replicaId.slice(0, 8)}`;
  }
}
