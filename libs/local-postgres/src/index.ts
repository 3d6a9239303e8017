export {
  startLocalPostgres,
  stopAbandonedPostgres,
  type LocalPostgres,
  type LocalPostgresOptions,
} from "./server.ts";
