export type { Database, Notification, Queryable, Sql, TransactionSql } from "./database.ts";
export { DatabaseError, sqlStateOf, violatesUnique } from "./database-error.ts";
export { AddressError, type DatabaseAddress, parseAddress } from "./address.ts";
export { DatabaseRefusedError, type OpenDatabase, openDatabase, type OpenDatabaseOptions } from "./open.ts";
export { migrate, type Migrations } from "./migrate.ts";
