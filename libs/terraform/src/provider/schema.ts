import type { tfplugin6 } from "@berth/contract";
import { UNKNOWN, type Value, type Values, isValues } from "./value.ts";

/** A type in Terraform's own JSON. */
export type Type =
  | "string"
  | "number"
  | "bool"
  | readonly ["list" | "map" | "set", Type]
  | readonly ["object", Readonly<Record<string, Type>>];

/** One attribute: who sets it, and what stands there when a template does not. */
export interface Attribute {
  readonly type: Type;
  readonly setBy: "template" | "template or provider" | "provider";
  readonly required: boolean;
  readonly sensitive: boolean;
  readonly fallback: Value;
  readonly description: string;
}

/** The inside of a resource or of a block in it. */
export interface Block {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly blocks: Readonly<Record<string, NestedBlock>>;
}

/** A block that may be repeated, `maxItems` times at most (0: any number). */
export interface NestedBlock extends Block {
  readonly nesting: "list" | "set";
  readonly maxItems: number;
}

/** An attribute that a template must set. */
export function required(type: Type, description: string): Attribute {
  return { type, setBy: "template", required: true, sensitive: false, fallback: null, description };
}

/** An attribute that a template may set; with a fallback it is never null in the end. */
export function optional(type: Type, description: string, fallback: Value = null): Attribute {
  const setBy = fallback === null ? "template" : "template or provider";
  return { type, setBy, required: false, sensitive: false, fallback, description };
}

/** An attribute that the provider sets. */
export function computed(type: Type, description: string, options: { sensitive?: boolean } = {}): Attribute {
  const sensitive = options.sensitive ?? false;
  return { type, setBy: "provider", required: false, sensitive, fallback: null, description };
}

/** The schema as it goes over the wire. */
export function wireSchema(block: Block): tfplugin6.Schema {
  return { version: 1n, block: wireBlock(block) };
}

function wireBlock(block: Block): tfplugin6.Block {
  return {
    version: 0n,
    attributes: Object.entries(block.attributes).map(([name, attribute]) => ({
      name,
      type: Buffer.from(JSON.stringify(attribute.type)),
      description: attribute.description,
      required: attribute.required,
      optional: attribute.setBy !== "provider" && !attribute.required,
      computed: attribute.setBy !== "template",
      sensitive: attribute.sensitive,
      descriptionKind: 0,
      deprecated: false,
    })),
    blockTypes: Object.entries(block.blocks).map(([typeName, nested]) => ({
      typeName,
      block: wireBlock(nested),
      nesting: nested.nesting === "list" ? 2 : 3,
      minItems: 0n,
      maxItems: BigInt(nested.maxItems),
    })),
    description: "",
    descriptionKind: 0,
    deprecated: false,
  };
}

/** A value with exactly the schema's names: what is missing is null or no block, what is unknown to the schema is dropped. */
export function conform(block: Block, value: Values): Values {
  const attributes = Object.keys(block.attributes).map((name) => [name, value[name] ?? null] as const);
  const blocks = Object.entries(block.blocks).map(([name, nested]) => {
    const items = value[name] ?? [];
    return [
      name,
      Array.isArray(items) ? items.map((item: Value) => conformItem(nested, item)) : items,
    ] as const;
  });
  return Object.fromEntries([...attributes, ...blocks]);
}

function conformItem(block: Block, item: Value): Value {
  return isValues(item) ? conform(block, item) : item;
}

/** The value with the fallbacks of a template's omissions in place, at the top level. */
export function withFallbacks(block: Block, value: Values): Values {
  const filled = Object.entries(block.attributes)
    .filter(([name, { fallback }]) => fallback !== null && (value[name] ?? null) === null)
    .map(([name, { fallback }]) => [name, fallback] as const);
  return { ...value, ...Object.fromEntries(filled) };
}

/** The value with everything that the provider sets still unknown. */
export function withUnknowns(block: Block, value: Values): Values {
  const unknowns = namesSetByProvider(block).map((name) => [name, UNKNOWN] as const);
  return { ...value, ...Object.fromEntries(unknowns) };
}

/** Names of the attributes that only the provider sets. */
export function namesSetByProvider(block: Block): string[] {
  return Object.entries(block.attributes)
    .filter(([, { setBy }]) => setBy === "provider")
    .map(([name]) => name);
}

/** Names of what a template may set: attributes and blocks. */
export function namesSetByTemplate(block: Block): string[] {
  const attributes = Object.entries(block.attributes)
    .filter(([, { setBy }]) => setBy !== "provider")
    .map(([name]) => name);
  return [...attributes, ...Object.keys(block.blocks)];
}
