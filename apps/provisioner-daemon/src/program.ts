import { fstatSync } from "node:fs";
import { environment } from "@berth/config";
import { type Program, type ProgramContext, selfCommand } from "@berth/runtime";
import { type DaemonConfig, daemonConfig } from "./config.ts";
import type { Daemon } from "./daemon.ts";
import { openDaemon } from "./open-daemon.ts";

const STDIN = 0;
const FORCED = 130;

/** The daemon as a program: its options, its signals, its exit codes. */
export const provisionerDaemon: Program<DaemonConfig> = {
  name: "provisioner-daemon",
  config: daemonConfig,
  async main(context) {
    const { config, log, metrics, scope } = context;
    const daemon = await openDaemon({
      ...{ config, log, metrics, scope, selfCommand },
      environment: environment(),
    });
    scope.use("signals", hearSignals(context, daemon));
    if (config.builtIn !== undefined) drainWithoutParent(context, daemon);
    await daemon.run();
    log.info("daemon ended");
    return 0;
  },
};

/** SIGTERM and SIGHUP finish the build, SIGINT cancels it; SIGQUIT and a second SIGINT wait for nothing. */
function hearSignals({ log, onSignal, exitNow }: ProgramContext<DaemonConfig>, daemon: Daemon): Disposable {
  let canceled = false;
  return onSignal((signal) => {
    if (signal === "SIGTERM" || signal === "SIGHUP") {
      log.info(`${signal}: taking no more jobs, finishing the build`);
      return daemon.drain();
    }
    if (signal === "SIGINT" && !canceled) {
      canceled = true;
      log.info(`${signal}: taking no more jobs, canceling the build`);
      return daemon.cancel();
    }
    log.warn(`${signal}: ending at once; the next start hands in what is left`);
    daemon.force();
    exitNow(FORCED);
  });
}

/** A built-in daemon's stdin is its node's: its end is the node's end. */
function drainWithoutParent({ log }: ProgramContext<DaemonConfig>, daemon: Daemon): void {
  const input = fstatSync(STDIN);
  if (!input.isFIFO() && !input.isSocket()) return; // started by hand
  process.stdin.resume();
  process.stdin.once("close", () => {
    log.warn("the node has gone: taking no more jobs, finishing the build");
    daemon.drain();
  });
  process.stdin.unref();
}
