/** Who refers to whom, by label: `module.m.docker_container.dev`, without instances. */
export type Dependents = ReadonlyMap<string, readonly string[]>;

const EDGE = /^\s*"((?:[^"\\]|\\.)*)" -> "((?:[^"\\]|\\.)*)"/;

/** Reads `terraform graph -type=plan`: for each label, the labels that refer to it. */
export function readGraph(dot: string): Dependents {
  const dependents = new Map<string, string[]>();
  for (const line of dot.split("\n")) {
    const edge = EDGE.exec(line);
    if (edge?.[1] === undefined || edge[2] === undefined) continue;
    if (edge[1].includes("provider[") || edge[2].includes("provider[")) continue; // everything hangs on a provider
    const [from, to] = [labelOf(edge[1]), labelOf(edge[2])];
    if (from !== to) dependents.set(to, [...(dependents.get(to) ?? []), from]);
  }
  return dependents;
}

/**
 * The nearest of the candidates that refers to a label, directly or through what refers to it; of several equally near, the
 * first by name. Undefined when none does.
 */
export function nearestDependent(
  dependents: Dependents,
  label: string,
  isCandidate: (label: string) => boolean,
): string | undefined {
  const seen = new Set([label]);
  for (let ring = [label]; ring.length > 0;) {
    const next = ring.flatMap((each) => dependents.get(each) ?? []).filter((each) => !seen.has(each));
    next.forEach((each) => seen.add(each));
    const [nearest] = next.filter(isCandidate).sort();
    if (nearest !== undefined) return nearest;
    ring = [...new Set(next)];
  }
  return undefined;
}

/** The label of an address: without instance keys. */
export function labelOfAddress(address: string): string {
  return address.replaceAll(/\[(?:\d+|"(?:[^"\\]|\\.)*")\]/g, "");
}

function labelOf(node: string): string {
  return labelOfAddress(
    node
      .replaceAll('\\"', '"')
      .replace(/^\[root\] /, "")
      .replace(/ \(expand\)$/, ""),
  );
}
