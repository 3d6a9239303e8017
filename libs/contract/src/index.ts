/**
 * What proto/ says, in TypeScript. Generated code is imported here and nowhere else.
 * Each area is a namespace, because areas share words (Welcome, Hello, Move).
 */
export * as registry from "./gen/berth/registry/v1/registry.ts";
export * as relay from "./gen/berth/relay/v1/relay.ts";
export * as provisioner from "./gen/berth/provisioner/v1/provisioner.ts";
export * as agent from "./gen/berth/agent/v1/agent.ts";
export * as tfplugin6 from "./gen/terraform/tfplugin6.ts";
export { Duration } from "./gen/google/protobuf/duration.ts";
export { durationFromMs, msFromDuration } from "./duration.ts";
