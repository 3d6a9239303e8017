import type { tfplugin6 } from "@berth/contract";

/** What the provider has to say of a configuration, and where. */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly summary: string;
  readonly detail: string;
  /** The attribute or block, and the index of the block. */
  readonly path?: readonly (string | number)[];
}

/** An error: the build cannot go on. */
export function refuse(summary: string, detail: string, ...path: (string | number)[]): Finding {
  return { severity: "error", summary, detail, path };
}

/** A warning: said, and gone on. */
export function warn(summary: string, detail: string, ...path: (string | number)[]): Finding {
  return { severity: "warning", summary, detail, path };
}

/** The finding as it goes over the wire. */
export function wireDiagnostic(finding: Finding): tfplugin6.Diagnostic {
  const steps = (finding.path ?? []).map((step) => ({ selector: wireStep(step) }));
  return {
    severity: finding.severity === "error" ? 1 : 2,
    summary: finding.summary,
    detail: finding.detail,
    attribute: steps.length === 0 ? undefined : { steps },
  };
}

function wireStep(step: string | number): tfplugin6.Step["selector"] {
  return typeof step === "number"
    ? { $case: "elementKeyInt", value: BigInt(step) }
    : { $case: "attributeName", value: step };
}
