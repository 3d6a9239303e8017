import type { Listener } from "@berth/rpc";
import { atMost, messageOf, sleep } from "@berth/std";
import type { Logger } from "@berth/telemetry";
import type { Drains } from "./drains.ts";
import type { Ending } from "./lifetime.ts";
import type { Member } from "./membership-seam.ts";
import type { Values } from "./plan.ts";

/** Even when the time is up, what is on its last line may finish it. */
const LAST_CALLS_MS = 1_000;
/** Who pressed Ctrl-C does not wait for somebody's open page. */
const IMPATIENT_MS = 5_000;
/** A registry that does not answer must not hold the end. */
const GOODBYE_MS = 2_000;

/** What leaving needs. */
export interface Leaving {
  readonly ending: Ending;
  /** Whether balancers have ever been told to send clients here. */
  readonly wasReady: boolean;
  readonly values: Values;
  readonly listener: Listener;
  readonly drains: Drains;
  readonly draining: AbortController;
  readonly member: Promise<Member> | undefined;
  readonly log: Logger;
}

/**
 * The way out: clients are moved before anything closes. The lame duck is for balancers, so that a person's Ctrl-C and a
 * failure, which serve nobody any longer, go without it.
 */
export async function leaveGently(leaving: Leaving): Promise<void> {
  const { ending, values, listener, drains, draining, log } = leaving;
  const { lameDuckMs, drainMs } = values.process;
  listener.announceLeave();
  const orderly = ending.reason === "SIGTERM" || ending.reason === "SIGHUP";
  if (orderly && leaving.wasReady) await sleep(lameDuckMs);
  const member = await joined(leaving);
  member?.cluster.setState("DRAINING");
  draining.abort();
  listener.askToMove();
  const until = performance.now() + drainMs;
  await drains.run(ending.reason, ending.reason === "SIGHUP" ? Infinity : drainMs, log);
  await goodbye(member, log);
  const left = ending.reason === "SIGHUP" ? drainMs : until - performance.now();
  const patience = orderly ? left : Math.min(left, IMPATIENT_MS);
  await listener.drain(Math.max(patience, LAST_CALLS_MS));
}

/** The membership, if it has been reached; one that is still trying is left alone. */
async function joined({ member }: Leaving): Promise<Member | undefined> {
  return Promise.race([member?.catch(() => undefined), sleep(0).then(() => undefined)]); // its failure was told when it failed
}

async function goodbye(member: Member | undefined, log: Logger): Promise<void> {
  if (member === undefined) return;
  const leaving = member.leave().catch((error: unknown) => {
    log.warn("saying goodbye failed", { reason: messageOf(error) });
  });
  await atMost(GOODBYE_MS, leaving);
}
