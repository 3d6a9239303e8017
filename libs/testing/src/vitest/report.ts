import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { Reporter, SerializedError, TestModule, TestSuite } from "vitest/node";

/** What one project's tests came to, as `npm test` adds it up. */
export interface Report {
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
}

/** A test that failed, or what failed outside every test: a hook, a file that cannot be loaded, an error nobody caught. */
export interface Failure {
  readonly name: string;
  readonly message: string;
}

/** Writes a {@link Report} as JSON when the run ends. */
export class ReportWriter implements Reporter {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const inState = (state: string) => tests.filter((test) => test.result().state === state);
    const report: Report = {
      passed: inState("passed").length,
      skipped: inState("skipped").length,
      failures: [
        ...inState("failed").map((test) =>
          failure(`${pathOf(test.module)} > ${test.fullName}`, test.result().errors ?? []),
        ),
        ...modules.flatMap(hookFailures),
        ...unhandled.map((error) => failure("outside every test", [error])),
      ],
    };
    writeFileSync(this.#file, JSON.stringify(report));
  }
}

/** Failures of a file and of its suites by themselves: loading, beforeAll, afterAll. */
function hookFailures(module: TestModule): Failure[] {
  const suites: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()];
  return suites
    .filter((suite) => suite.errors().length > 0)
    .map((suite) =>
      failure(
        suite.type === "module" ? pathOf(module) : `${pathOf(module)} > ${suite.fullName}`,
        suite.errors(),
      ),
    );
}

function pathOf(module: TestModule): string {
  return relative(process.cwd(), module.moduleId);
}

function failure(name: string, errors: readonly SerializedError[]): Failure {
  return { name, message: errors.map(summary).join("\n") };
}

/** The message, how the values differ, and where in our own files it was thrown. */
function summary({ message, diff, stacks = [] }: SerializedError): string {
  return [
    message,
    ...(typeof diff === "string" ? [diff] : []),
    ...stacks.map(({ file, line }) => `at ${relative(process.cwd(), file)}:${line}`),
  ].join("\n");
}
