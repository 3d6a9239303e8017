import type { BuildContext } from "./build-context.ts";
import type { Finding } from "./diagnostic.ts";
import type { Block } from "./schema.ts";
import type { Values } from "./value.ts";

/** A managed resource that is replaced when any of its attributes changes. */
export interface Resource {
  readonly block: Block;
  /** What is wrong with a configuration that may still hold unknowns. */
  validate(config: Values): readonly Finding[];
  /** The state of a new one. */
  create(planned: Values, build: BuildContext): Values;
  /** The state of one that exists. */
  refresh(state: Values, build: BuildContext): Values;
}

/** What a read came to. */
export interface Reading {
  readonly value: Values;
  readonly findings: readonly Finding[];
}

/** A data source: the same configuration in the same build always reads the same. */
export interface DataSource {
  readonly block: Block;
  validate(config: Values): readonly Finding[];
  read(config: Values, build: BuildContext): Reading;
}
