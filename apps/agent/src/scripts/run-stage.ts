import { type agent } from "@berth/contract";
import type { NumberedMessage } from "../plane/outbox.ts";
import { runScript, type ScriptHost, type ScriptOutcome } from "./run-script.ts";

/** How the scripts of a stage went together. */
export type StageOutcome = "ok" | "failed" | "timed_out";

/** Runs scripts side by side, each reported when it is done. */
export async function runStage(
  scripts: readonly agent.AgentScript[],
  host: ScriptHost,
  send: (message: NumberedMessage) => void,
): Promise<StageOutcome> {
  const outcomes = await Promise.all(
    scripts.map(async (script) => {
      const outcome = await runScript(script, host);
      send(completedMessage(script, outcome));
      return outcome;
    }),
  );
  if (outcomes.some(({ timedOut }) => timedOut)) return "timed_out";
  return outcomes.some(({ exitCode }) => exitCode !== 0) ? "failed" : "ok";
}

function completedMessage(script: agent.AgentScript, outcome: ScriptOutcome): NumberedMessage {
  const { exitCode, timedOut, startedAt, endedAt } = outcome;
  return {
    $case: "scriptCompleted",
    value: { scriptId: script.id, exitCode, timedOut, startedAt, endedAt },
  };
}
