/** The daemon's clock. What judges a remote has three smoothed round trips added. */
export interface Periods {
  readonly beatMs: number;
  /** Without an acknowledged beat for so long, it dials elsewhere. */
  readonly redialMs: number;
  /** Without a beat acknowledged by any replica for so long, Terraform is interrupted. */
  readonly silenceMs: number;
  /** Without anything committed for so long, Terraform is interrupted. */
  readonly uncommittedMs: number;
  /** An interrupted Terraform that nobody hears of is killed after so long: before the workspace is let go (5 min). */
  readonly unheardKillMs: number;
  /** What a predecessor's Terraform is given to end. */
  readonly predecessorMs: number;
  readonly logFlushMs: number;
}

/** As they are outside of tests. */
export const PERIODS: Periods = {
  beatMs: 3_000,
  redialMs: 5_000,
  silenceMs: 20_000,
  uncommittedMs: 240_000,
  unheardKillMs: 40_000,
  predecessorMs: 30_000,
  logFlushMs: 250,
};
