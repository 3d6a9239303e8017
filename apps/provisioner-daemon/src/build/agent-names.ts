import type { NewAgent, PlannedAgent } from "@berth/terraform";

/**
 * Names the agents that the provider makes: Terraform does not tell the provider their addresses, so each takes the first
 * planned name with its system that is still free. (Completion names them for good.)
 */
export class AgentNames {
  readonly #free: PlannedAgent[];

  constructor(planned: readonly PlannedAgent[]) {
    this.#free = [...planned];
  }

  /** The name of an agent that has just been made. */
  take(agent: NewAgent): string {
    const at = this.#free.findIndex(
      ({ operatingSystem, architecture }) =>
        operatingSystem === agent.operatingSystem && architecture === agent.architecture,
    );
    return this.#free.splice(Math.max(at, 0), 1)[0]?.name ?? "";
  }
}
