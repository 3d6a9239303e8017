export type * from "./mount.ts";
export type * from "./method.ts";
