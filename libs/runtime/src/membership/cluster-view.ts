import type { registry } from "@berth/contract";

/** The cluster as registries told it: revisions only rise, whichever registry tells. */
export class ClusterView {
  #replicas: ReadonlyMap<string, registry.Replica> = new Map();
  #revision = 0n;
  readonly #hearers = new Set<() => void>();

  get revision(): bigint {
    return this.#revision;
  }

  replicas(): readonly registry.Replica[] {
    return [...this.#replicas.values()];
  }

  /** Takes a whole view; an older one is ignored. */
  replace({ revision, replicas }: registry.View): void {
    if (revision < this.#revision) return;
    this.#become(revision, new Map(replicas.map((replica) => [replica.id, replica])));
  }

  /** Takes a change; one that was seen already is ignored. */
  change({ revision, changed, removedIds }: registry.ViewChange): void {
    if (revision <= this.#revision) return;
    const replicas = new Map(this.#replicas);
    for (const replica of changed) replicas.set(replica.id, replica);
    for (const id of removedIds) replicas.delete(id);
    this.#become(revision, replicas);
  }

  onChange(hear: () => void): Disposable {
    const heard = () => hear();
    this.#hearers.add(heard);
    return { [Symbol.dispose]: () => void this.#hearers.delete(heard) };
  }

  #become(revision: bigint, replicas: ReadonlyMap<string, registry.Replica>): void {
    this.#revision = revision;
    this.#replicas = replicas;
    for (const hear of [...this.#hearers]) hear();
  }
}
