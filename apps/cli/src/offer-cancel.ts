import { type HttpClient, routes, type WorkspaceBuild } from "@berth/http-api";
import { onInterrupt } from "@berth/runtime";
import type { CliContext } from "./cli-context.ts";
import { ExitCode } from "./show-error.ts";

/**
 * Runs something that waits for a build. Ctrl-C asks whether to cancel the build (a second one means yes, and without a
 * terminal nothing is asked and the build goes on); whatever was created by then is kept.
 */
export async function offerCancel<T>(
  { terminal }: CliContext,
  client: HttpClient,
  build: WorkspaceBuild,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const asked = { times: 0 };
  const cancel = async () => {
    await client.call(routes.cancelWorkspaceBuild, { params: { build: build.id } });
    terminal.say("\nCancelling the build …");
  };
  const interrupted = async () => {
    asked.times += 1;
    if (asked.times > 1) return cancel();
    if (terminal.asksPeople && (await terminal.askYesNo("\nCancel the build?", false))) return cancel();
    terminal.say(`\nThe build goes on: berth logs -f ${build.workspace_name}`);
    stop.abort();
  };
  using _ = onInterrupt(() => void interrupted());
  const result = await work(stop.signal);
  if (stop.signal.aborted) throw new ExitCode(1);
  return result;
}
