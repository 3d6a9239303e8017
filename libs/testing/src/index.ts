export { makeCertificate, noOpenSsl, type TestCertificate } from "./certificate.ts";
export { eventually, type Patience } from "./eventually.ts";
export { FaultyProxy } from "./faulty-proxy.ts";
export { expectNoLeaks } from "./leaks.ts";
export { recordedLog, type LogLine, type RecordedLog } from "./recorded-log.ts";
export {
  startRunPostgres,
  type RunPostgres,
  URL_VARIABLE as TEST_POSTGRES_URL_VARIABLE,
} from "./run-postgres.ts";
export { spawnProgram, type Exit, type Program, type ProgramOptions } from "./spawn-program.ts";
export { type Pod, startPod } from "./start-pod.ts";
export { temporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";
export { testDatabase, type TestDatabase, type TestDatabaseOptions } from "./test-database.ts";
