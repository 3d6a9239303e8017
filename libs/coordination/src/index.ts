export type * from "./types.ts";
export { coordinationMigrations, type Deployment, openDeployment, poolSize } from "./deployment.ts";
export { PostgresHints } from "./hints.ts";
export { type LeaseContext, LeaseLostError, PostgresLeases } from "./leases.ts";
export { readSecrets } from "./secrets.ts";
export { RotatedSigningKeys, type SigningKeyContext } from "./signing-keys.ts";
