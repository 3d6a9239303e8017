import { agent } from "@berth/contract";
import type { NumberedMessage } from "../plane/outbox.ts";

type State = agent.LifecycleState;

/** The agent's life, which only goes forward. */
export class Lifecycle {
  readonly #send: (message: NumberedMessage) => void;
  #state: State = agent.LifecycleState.CREATED;

  constructor(send: (message: NumberedMessage) => void) {
    this.#send = send;
  }

  get state(): State {
    return this.#state;
  }

  to(state: State): void {
    if (state <= this.#state) return; // their numbers rise in the order of a life
    this.#state = state;
    this.#send({ $case: "lifecycle", value: { state, changedAt: new Date() } });
  }
}
