export { api } from "./service.ts";
export { apiConfig, type ApiConfig } from "./config.ts";
export { apiMigrations } from "./migrations.ts";
