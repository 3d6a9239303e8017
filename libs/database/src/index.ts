export type { Database, Notification, Queryable, Sql, TransactionSql } from "./database.ts";
export { DatabaseError, sqlStateOf, violatesUnique } from "./database-error.ts";
export { type DatabaseAddress, parseAddress } from "./address.ts";
export { addressOf, type DatabaseConfig, databaseConfig, directAddressOf } from "./config.ts";
export { type OpenDatabase, openDatabase, type OpenDatabaseOptions } from "./open.ts";
export { migrate, type Migrations } from "./migrate.ts";
export { exposeConnections } from "./expose-connections.ts";
