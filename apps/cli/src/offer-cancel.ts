import { type HttpClient, routes, type WorkspaceBuild } from "@berth/http-api";
import { onInterrupt } from "@berth/runtime";
import type { CliContext } from "./cli-context.ts";
import { ExitCode } from "./exit-code.ts";

/**
 * Runs something that waits for a build. Ctrl-C asks whether to cancel the build; a second one means yes, and a third leaves
 * while the build is being cancelled. Without a terminal nothing is asked and the build goes on. What was created is kept.
 */
export async function offerCancel<T>(
  { terminal }: CliContext,
  client: HttpClient,
  build: WorkspaceBuild,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const leaving = new AbortController();
  const state = { isCancelling: false };
  const leave = (why: string) => {
    terminal.say(`${why}: berth logs -f ${build.workspace_name}`);
    leaving.abort(new ExitCode(1));
  };
  const wantsCancel = async () => {
    if (!terminal.asksPeople) return false;
    if (terminal.isAsking) return true;
    return terminal.askYesNo("Cancel the build?", false).catch((error: unknown) => error instanceof ExitCode);
  };
  const interrupted = async () => {
    if (state.isCancelling) return leave("The build is being cancelled");
    if (!(await wantsCancel())) return leave("The build goes on");
    state.isCancelling = true;
    terminal.say("Cancelling the build …");
    await client.call(routes.cancelWorkspaceBuild, { params: { build: build.id } });
  };
  using _ = onInterrupt(() => void interrupted().catch((error: unknown) => leaving.abort(error)));
  return await work(leaving.signal);
}
