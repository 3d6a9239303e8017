import { defineConfig } from "vitest/config";
import { ReportWriter } from "../../src/vitest/report.ts";

/** Runs what lies here: one file for each way in which a run can end. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.ts"],
    exclude: ["vitest.config.ts"],
    reporters: [new ReportWriter(process.env["REPORT"] ?? "")],
  },
});
