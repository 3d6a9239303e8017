import type { Response } from "@berth/http-api";
import { Problem, notFound } from "../http/problem.ts";
import type { CancelOutcome } from "../jobs/cancel.ts";

/** What a client hears of a cancellation. @throws Problem where there was nothing to cancel */
export function answerCancel(outcome: CancelOutcome): Response {
  switch (outcome) {
    case "canceled":
      return { message: "Job has been canceled." };
    case "canceling":
      return { message: "The job is being canceled." };
    case "already_canceling":
      throw new Problem(400, "The job is being canceled already.");
    case "already_done":
      throw new Problem(400, "The job is over already.");
    case "unknown":
      throw notFound();
  }
}
