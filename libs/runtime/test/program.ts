import { count, section } from "@berth/config";
import { CodedError } from "@berth/std";
import { onInterrupt, runMain, runProgram, selfCommand } from "../src/index.ts";

// What programs that are no services do; the first argument says what.

const say = (event: string) => void process.stdout.write(`${event}\n`);
const forever = () => new Promise<undefined>(() => setInterval(() => undefined, 1 << 30));

const mains: Record<string, () => void> = {
  ok: () => runMain(() => Promise.resolve(3)),
  fault: () =>
    runMain(() => Promise.reject(new CodedError("not_found", "there is no workspace dev: berth list"))),
  bug: () => runMain(() => Promise.reject(new TypeError("x is not a function"))),
  signal: () =>
    runMain(async ({ signal }) => {
      say("waiting");
      await Promise.race([forever(), new Promise((resolve) => signal.addEventListener("abort", resolve))]);
      say(`told ${String(signal.reason)}`);
      return undefined;
    }),
  stubborn: () =>
    runMain(async ({ signal }) => {
      signal.addEventListener("abort", () => say("told"));
      say("waiting");
      return forever();
    }),
  interrupt: () =>
    runMain(async ({ signal }) => {
      const offered = Promise.withResolvers<undefined>();
      const hearing = onInterrupt(() => {
        say("cancel the build?");
        offered.resolve(undefined);
      });
      say("waiting");
      await Promise.race([forever(), offered.promise]);
      hearing[Symbol.dispose]();
      say("waiting again");
      await Promise.race([forever(), new Promise((resolve) => signal.addEventListener("abort", resolve))]);
      say("told");
      return undefined;
    }),
  pipe: () =>
    runMain(async () => {
      for (;;) {
        say("line");
        await new Promise((resolve) => setImmediate(resolve));
      }
    }),
  self: () =>
    runMain(() => {
      say(JSON.stringify(selfCommand(["agent", "--detach"])));
      return Promise.resolve(undefined);
    }),
  program: () =>
    runProgram(
      {
        name: "daemon",
        config: section({ builds: count("CODER_TEST_BUILDS", 1, "How many builds") }),
        async main({ config, log, scope, onSignal, exitNow }) {
          scope.add("cache", () => say("cache closed"));
          const done = Promise.withResolvers<number>();
          let interrupts = 0;
          onSignal((signal) => {
            say(`heard ${signal}`);
            if (signal === "SIGINT" && ++interrupts === 2) exitNow(9);
            if (signal === "SIGTERM") done.resolve(config.builds);
          });
          log.info("daemon ready");
          say("ready");
          return Promise.race([forever(), done.promise]);
        },
      },
      process.argv.slice(3),
    ),
};

mains[process.argv[2] ?? ""]?.();
