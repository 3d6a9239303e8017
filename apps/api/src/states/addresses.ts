interface StateResource {
  readonly module?: unknown;
  readonly mode?: unknown;
  readonly type?: unknown;
  readonly name?: unknown;
  readonly instances?: unknown;
}

/** Addresses of the managed resources that a Terraform state (format 4) holds; empty for what is no state. */
export function addressesInState(state: Buffer | undefined): ReadonlySet<string> {
  if (state === undefined) return new Set();
  return new Set(resourcesOf(state).flatMap(instanceAddresses));
}

function resourcesOf(state: Buffer): readonly StateResource[] {
  try {
    const parsed: unknown = JSON.parse(state.toString());
    if (typeof parsed !== "object" || parsed === null || !("resources" in parsed)) return [];
    return Array.isArray(parsed.resources) ? (parsed.resources as StateResource[]) : [];
  } catch {
    return []; // no JSON: states of other tools hold no addresses that we could name
  }
}

function instanceAddresses(resource: StateResource): string[] {
  if (resource.mode !== "managed") return [];
  const module = typeof resource.module === "string" ? `${resource.module}.` : "";
  const base = `${module}${String(resource.type)}.${String(resource.name)}`;
  if (!Array.isArray(resource.instances)) return [];
  return resource.instances.map((instance: { index_key?: unknown }) =>
    instance.index_key === undefined ? base : `${base}[${JSON.stringify(instance.index_key)}]`,
  );
}
