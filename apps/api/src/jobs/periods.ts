// What judges a daemon has three smoothed round trips to it added.

/** A delivery not accepted by then is taken back. */
export const DELIVERY_MS = 2_000;
/** How long an accepted job stays with a daemon that says nothing. */
export const LEASE_MS = 30_000;
/** How long a workspace is held after its apply was lost sight of: every daemon has killed its Terraform by then. */
export const HOLD_MS = 5 * 60_000;
/** A daemon not seen for this long is stale. */
export const STALE_DAEMON_MS = 90_000;
