import type { TerraformProcess } from "@berth/terraform";

/** Why a build must end before it is done. */
export type StopReason =
  | { readonly kind: "canceled" }
  | { readonly kind: "operator" }
  | { readonly kind: "silence" }
  | { readonly kind: "uncommitted" }
  | { readonly kind: "over"; readonly why: "fenced" | "refused" };

/** What a build that was stopped says of itself. */
export function describeStop(reason: StopReason): string {
  switch (reason.kind) {
    case "canceled":
      return "the build was canceled";
    case "operator":
      return "the build was canceled: its provisioner daemon was interrupted";
    case "silence":
      return "the provisioner daemon lost contact with the control plane, and interrupted Terraform";
    case "uncommitted":
      return "the control plane could not store anything of the build, and the daemon interrupted Terraform";
    case "over":
      return reason.why === "fenced"
        ? "the build was given to another daemon, or ended"
        : "the control plane refused the provisioner daemon";
  }
}

/**
 * Ends a build early: commands that have not begun do not begin, the Terraform that runs is interrupted, and killed when it has
 * not ended after the time it is given. The first reason stands.
 */
export class Stop implements Disposable {
  readonly #controller = new AbortController();
  #reason: StopReason | undefined;
  #running: TerraformProcess | undefined;
  #killer: NodeJS.Timeout | undefined;
  #killAt = Infinity;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get reason(): StopReason | undefined {
    return this.#reason;
  }

  /** The Terraform that runs now. */
  watch(running: TerraformProcess | undefined): void {
    this.#running = running;
    if (running !== undefined && this.#reason !== undefined) running.interrupt();
  }

  /** Stops the build, and kills Terraform when it has not ended `killAfterMs` later. A shorter time overrules a longer one. */
  now(reason: StopReason, killAfterMs: number): void {
    this.#reason ??= reason;
    this.#controller.abort();
    this.#running?.interrupt();
    const kill = () => this.#running?.kill();
    if (killAfterMs === 0) return kill();
    const killAt = performance.now() + killAfterMs;
    if (killAt >= this.#killAt) return;
    clearTimeout(this.#killer);
    this.#killAt = killAt;
    this.#killer = setTimeout(kill, killAfterMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#killer);
  }
}
