import type { Migrations } from "@berth/database";

/** The schema `api`. */
export const apiMigrations: Migrations = {
  schema: "api",
  folder: new URL("../migrations/", import.meta.url),
};
