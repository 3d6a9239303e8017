export type * from "./service.ts";
export type * from "./process.ts";
export type * from "./cluster.ts";
