import type { registry } from "@berth/contract";
import type { Call, Stream } from "@berth/rpc";
import { CodedError, unlessAborted, withDeadline } from "@berth/std";
import type { Member } from "../member.ts";
import type { Registry } from "../registry.ts";
import { spoken } from "../states.ts";
import type { Joining } from "../store.ts";
import type { Step } from "../view.ts";

const JOIN_MS = 5_000;
const SILENCE_MS = 8_000;

type Up = registry.JoinClusterRequest;
type Down = registry.JoinClusterResponse;
type Message = NonNullable<Down["message"]>;

/** Holds one replica as a member for as long as its stream is open. */
export function joinCluster(own: Registry) {
  return async (stream: Stream<Up, Down>, call: Call): Promise<void> => {
    const messages = stream[Symbol.asyncIterator]();
    const first = await withDeadline("a join", JOIN_MS, messages.next());
    const message = first.done === true ? undefined : first.value.message;
    if (message?.$case !== "join" || message.value.replica === undefined)
      throw new CodedError("invalid_argument", "a stream of the cluster begins with a join");
    const send = (value: Message) => void stream.send({ message: value });
    const joining = joiningOf(message.value.replica, call, own.ownId);
    await own.reach(message.value.seenRevision);
    const admission = await own.admit(joining);
    const sequence = admission.outcome === "accepted" ? admission.member.claim.joinSequence : 0n;
    send({
      $case: "accepted",
      value: { registryId: own.ownId, joinSequence: sequence, findings: [...admission.findings] },
    });
    if (admission.outcome === "refused") return;
    await hold(own, admission.member, { messages, send, call });
  };
}

interface Held {
  readonly messages: AsyncIterator<Up>;
  readonly send: (message: Message) => void;
  readonly call: Call;
}

async function hold(own: Registry, member: Member, { messages, send, call }: Held): Promise<void> {
  const isOwn = member.claim.id === own.ownId; // this process leaves last of all its members
  const silence = new Silence();
  const over = [call.signal, member.superseded.signal, silence.signal, ...(isOwn ? [] : [call.draining])];
  const ended = AbortSignal.any(over);
  try {
    await own.refresh();
    send({ $case: "view", value: { ...own.view.snapshot(), stale: own.isStale } });
    using _steps = own.view.onStep((step) => send({ $case: "change", value: changeOf(step, own.isStale) }));
    for (;;) {
      const next = messages.next();
      next.catch(() => undefined); // lost to the race, or thrown by it
      const came = await unlessAborted(next, ended);
      if (came === undefined || came.done === true) break;
      silence.heard();
      const { message } = came.value;
      if (message?.$case === "goodbye") return await own.goodbye(member);
      if (message?.$case !== "report") continue;
      own.report(member, message.value);
      send({ $case: "ack", value: { sequence: message.value.sequence, stale: own.isStale } });
    }
  } finally {
    silence[Symbol.dispose]();
    own.ended(member);
  }
}

/** Aborts when nothing was heard for long: the member's host died, or is frozen. It reports every second. */
class Silence implements Disposable {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.heard();
  }

  heard(): void {
    clearTimeout(this.#timer);
    const timer = setTimeout(() => {
      // what came in while this process itself was busy or stopped is read before the verdict
      setImmediate(() => {
        if (this.#timer === timer) this.#controller.abort();
      });
    }, SILENCE_MS);
    this.#timer = timer;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function changeOf({ revision, changed, removedIds }: Step, stale: boolean): registry.ViewChange {
  return { revision, changed: [...changed], removedIds: [...removedIds], stale };
}

function joiningOf(replica: registry.Replica, call: Call, ownerId: string): Joining {
  return {
    id: replica.id,
    hostname: replica.hostname,
    services: replica.services,
    regionId: replica.regionId,
    version: replica.version,
    relayUrl: replica.relayUrl,
    accessUrl: replica.accessUrl,
    pingAddress: replica.pingAddress === "" ? addressOf(call.peer, replica.listenPort) : replica.pingAddress,
    listenPort: replica.listenPort,
    poolSize: replica.poolSize,
    state: spoken(replica.state),
    startedAt: replica.startedAt ?? new Date(),
    ownerId,
  };
}

/** Where siblings find a replica that names no address: whence it came, at its listener's port. */
function addressOf(peer: string, port: number): string {
  const host = /^(?:\[?::ffff:)?([0-9a-f.:]+?)\]?:\d+$/i.exec(peer)?.[1];
  if (host === undefined) return ""; // over the Unix socket: from this very machine
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
