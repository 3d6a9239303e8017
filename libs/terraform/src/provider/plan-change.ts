import { type Block, namesSetByProvider, namesSetByTemplate, withFallbacks, withUnknowns } from "./schema.ts";
import { type Values, sameValue } from "./value.ts";

/** What is planned, and which attributes make a replacement of it. */
export interface PlannedChange {
  readonly planned: Values | null;
  readonly replacedBy: readonly string[];
}

/**
 * Plans a resource that is never changed in place: the same configuration keeps everything the provider once set, any other
 * makes a new one. Terraform asks again, without a prior state, for the new one.
 */
export function planChange(
  block: Block,
  prior: Values | null,
  proposed: Values | null,
  config: Values | null,
): PlannedChange {
  if (proposed === null) return { planned: null, replacedBy: [] };
  // Terraform proposes the former value where the template sets none any more; the fallback holds there
  const wanted = withFallbacks(block, { ...proposed, ...omissions(block, config) });
  if (prior === null) return { planned: withUnknowns(block, wanted), replacedBy: [] };
  const before = withFallbacks(block, prior);
  const replacedBy = namesSetByTemplate(block).filter(
    (name) => !sameValue(before[name] ?? null, wanted[name] ?? null),
  );
  if (replacedBy.length > 0) return { planned: withUnknowns(block, wanted), replacedBy };
  const kept = namesSetByProvider(block).map((name) => [name, prior[name] ?? null] as const);
  return { planned: { ...wanted, ...Object.fromEntries(kept) }, replacedBy: [] };
}

function omissions(block: Block, config: Values | null): Values {
  const names = namesSetByTemplate(block).filter((name) => config !== null && config[name] === null);
  return Object.fromEntries(names.map((name) => [name, null]));
}
