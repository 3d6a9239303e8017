/**
 * One string for server, CLI, agent and daemon. Public clients compare it (strict semver after the `v`, at least v2.31),
 * so its first part is a number that the incumbent never released.
 */
export const version = "v2.99.0+berth.0.1.0";
