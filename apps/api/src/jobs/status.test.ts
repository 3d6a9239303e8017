import { expect, test } from "vitest";
import { buildStatus, jobStatus } from "./status.ts";

const at = new Date();
const job = { started_at: null, canceled_at: null, completed_at: null, error: null };

test("a job's status follows from its times and its error", () => {
  expect(jobStatus(job)).toBe("pending");
  expect(jobStatus({ ...job, started_at: at })).toBe("running");
  expect(jobStatus({ ...job, started_at: at, canceled_at: at })).toBe("canceling");
  expect(jobStatus({ ...job, canceled_at: at, completed_at: at })).toBe("canceled");
  expect(jobStatus({ ...job, started_at: at, completed_at: at })).toBe("succeeded");
  expect(jobStatus({ ...job, started_at: at, completed_at: at, error: "no" })).toBe("failed");
});

test("a build that failed while it was being canceled has failed", () => {
  expect(jobStatus({ started_at: at, canceled_at: at, completed_at: at, error: "no" })).toBe("failed");
});

test("a build's status names what its transition comes to", () => {
  expect(buildStatus("running", "stop")).toBe("stopping");
  expect(buildStatus("succeeded", "delete")).toBe("deleted");
  expect(buildStatus("succeeded", "start")).toBe("running");
  expect(buildStatus("canceling", "start")).toBe("canceling");
});
