import { count, flag, section } from "@berth/config";
import { CodedError } from "@berth/std";
import { type RunOptions, type Service, run } from "../src/index.ts";

// Two services that write down what happens to them. What goes wrong is asked for by variables.

const say = (event: string) => void process.stdout.write(`${event}\n`);

const config = section({
  failAt: count("CODER_TEST_FAIL_AT", 0, "Which start fails, 0 for none"),
  faultMs: count("CODER_TEST_FAULT_MS", 0, "When the process fails after its start, 0 for never"),
  slowDrain: flag("CODER_TEST_SLOW_DRAIN", false, "A drain that ends with the time only"),
  slowStart: flag("CODER_TEST_SLOW_START", false, "A first start that ends with the signal only"),
  reject: flag("CODER_TEST_REJECT", false, "A rejection that nobody handles"),
});

interface Config {
  readonly failAt: number;
  readonly faultMs: number;
  readonly slowDrain: boolean;
  readonly slowStart: boolean;
  readonly reject: boolean;
}

function recording(name: string, at: number): Service<Config> {
  return {
    name,
    config,
    async start({ config: values, scope, signal, fail, onDrain, process: own, mount }) {
      scope.add(name, () => say(`${name} closed`));
      if (values.failAt === at) throw new CodedError("unavailable", `${name} has no database`);
      const shared = await own.share("pool", (open) => {
        say("pool opened");
        open.add("pool", () => say("pool closed"));
        return Promise.resolve({ of: name });
      });
      signal.addEventListener("abort", () => say(`${name} told`));
      onDrain("work", async (reason) => {
        say(`${name} drains for ${reason}`);
        if (values.slowDrain) await new Promise<void>(() => undefined);
        await Promise.resolve();
        say(`${name} drained`);
      });
      mount.http(`/${name}`, (_request, response) => response.end(`${name} ${shared.of}`));
      if (values.slowStart) {
        say(`${name} starting at ${own.port}`);
        await new Promise<void>(() => undefined);
      }
      say(`${name} started at ${own.port}`);
      if (at === 2 && values.faultMs > 0)
        setTimeout(() => fail(new Error("the leak was found")), values.faultMs);
      if (at === 2 && values.reject) void Promise.reject(new Error("forgotten promise"));
    },
  };
}

const options: RunOptions = process.argv.includes("--prepared")
  ? {
      argv: [],
      prepare: {
        name: "database",
        config: section({}),
        standIns: { CODER_TEST_FAULT_MS: "0" },
        start({ scope }) {
          say("database opened");
          scope.add("database", () => say("database closed"));
          return Promise.resolve({ CODER_TEST_FAULT_MS: "50" });
        },
      },
    }
  : {};

run([recording("registry", 1), recording("api", 2)], options);
