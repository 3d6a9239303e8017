import { ConfigError } from "@berth/config";
import type { Listener } from "@berth/rpc";
import { CodedError, Scope } from "@berth/std";
import { type Logger, type Telemetry, createLogger, openTelemetry } from "@berth/telemetry";
import { Drains } from "./drains.ts";
import { mountHealth } from "./health.ts";
import { clusterMembership } from "./membership/index.ts";
import { type Ending, Lifetime, exitCodeOf, startMessage } from "./lifetime.ts";
import { leaveGently } from "./leave.ts";
import { bindListener, newReplicaId, openProcess, readListenerFiles } from "./open-process.ts";
import type { RunOptions } from "./options.ts";
import { type Plan, type Values, helpAskedFor, readValues } from "./plan.ts";
import { servePrometheus } from "./prometheus.ts";
import type { Service } from "./service.ts";
import { EXIT, complain, exitSoon, say } from "./signals.ts";

// The life of a process of services.
//
//   check every option → telemetry → preparation → listener (healthy) → services in order → ready
//   told to end: not ready → lame duck → streams are told, drains side by side → goodbye → listener drains
//                → scopes close in reverse: services, shared, listener, preparation
//
// Invariants
//   L1  Nothing is opened before every option has been checked.
//   L2  Whatever was opened is closed, also when the start fails in the middle.
//   L3  A process that was told to end while it starts does not start its next service.

/** Runs services until told to end. It never throws: it sets the exit code (78 for configuration, 1 for a failure). */
export function run(services: readonly Service[], options: RunOptions = {}): void {
  const plan: Plan = { services, options, membership: options.membership ?? clusterMembership };
  const help = helpAskedFor(plan);
  if (help !== undefined) return say(help);
  void live(plan).then(exitSoon);
}

async function live(plan: Plan): Promise<number> {
  using lifetime = new Lifetime();
  const scope = new Scope();
  let code: number = EXIT.ok;
  try {
    code = await serve(plan, lifetime, scope);
  } catch (error) {
    complain(startMessage(error));
    if (!(error instanceof CodedError)) lifetime.log?.error("could not start", { error }); // a bug: told whole
    code = exitCodeOf(error);
  }
  try {
    await scope.close(); // L2
  } catch (error) {
    (lifetime.log ?? createLogger()).error("closing failed", { error });
    code = code === EXIT.ok ? EXIT.failed : code;
  }
  return code;
}

async function serve(plan: Plan, lifetime: Lifetime, scope: Scope): Promise<number> {
  const stoodIn = readValues(plan, plan.options.prepare?.standIns ?? {}); // L1
  plan.membership?.check(stoodIn.membership);
  const replicaId = newReplicaId();
  const telemetry = await openTelemetry(stoodIn.telemetry, {
    serviceName: plan.services.map(({ name }) => name).join("+"),
    fields: { replica: replicaId },
  });
  scope.use("telemetry", telemetry);
  lifetime.log = telemetry.log;
  for (const warning of stoodIn.warnings) telemetry.log.warn(warning);
  const files = await readListenerFiles(stoodIn); // L1
  const values = await prepare(plan, stoodIn, { ...telemetry, lifetime, scope });
  const listener = await bindListener(values, files, telemetry.log, telemetry.metrics);
  scope.add("listener", () => listener.close());
  const health = mountHealth(listener, replicaId);
  if (values.process.prometheus)
    await servePrometheus(values.process.prometheusAddress, telemetry.metrics, scope);
  const { log, metrics } = telemetry;
  const shared = scope.child("shared");
  const opened = openProcess({
    plan,
    values,
    replicaId,
    listener,
    scope: shared,
    log,
    metrics,
    fail: lifetime.fail,
  });
  const drains = new Drains();
  const draining = new AbortController();
  const own = scope.child("services");
  const parts = { values, telemetry, listener, own, drains, draining, process: opened.process, lifetime };
  await startAll(plan.services, parts);
  listener.settled();
  const member = await Promise.race([opened.member(), lifetime.told.then(() => undefined)]);
  if (!lifetime.signal.aborted) {
    health.notReady = undefined;
    member?.cluster.setState("READY");
    log.info("ready", { address: listener.address, services: opened.process.services });
    plan.options.onReady?.(opened.process);
  }
  const ending = await lifetime.told;
  const wasReady = health.notReady === undefined;
  health.notReady = "draining";
  await leaveGently({ ending, wasReady, values, listener, drains, draining, member: opened.member(), log });
  return codeOf(ending);
}

/** What failed after the start was logged when it failed; a configuration found wrong late is still said plainly. */
function codeOf(ending: Ending): number {
  if (ending.reason !== "failure") return EXIT.ok;
  if (ending.error instanceof ConfigError) complain(startMessage(ending.error));
  return exitCodeOf(ending.error);
}

interface Preparing {
  readonly log: Logger;
  readonly lifetime: Lifetime;
  readonly scope: Scope;
}

async function prepare(plan: Plan, stoodIn: Values, { log, lifetime, scope }: Preparing): Promise<Values> {
  const { prepare: preparation } = plan.options;
  if (preparation === undefined) return stoodIn;
  const variables = await preparation.start({
    config: stoodIn.preparation,
    log: log.child({ service: preparation.name }),
    scope: scope.child(preparation.name),
    signal: lifetime.signal,
    fail: lifetime.fail,
  });
  return readValues(plan, variables);
}

interface Starting {
  readonly values: Values;
  readonly telemetry: Telemetry;
  readonly listener: Listener;
  readonly own: Scope;
  readonly drains: Drains;
  readonly draining: AbortController;
  readonly process: ReturnType<typeof openProcess>["process"];
  readonly lifetime: Lifetime;
}

async function startAll(services: readonly Service[], parts: Starting): Promise<void> {
  const { telemetry, listener, own, drains, draining, lifetime } = parts;
  for (const [at, service] of services.entries()) {
    if (lifetime.signal.aborted) return; // L3
    const log = telemetry.log.child({ service: service.name });
    const starting = service.start({
      config: parts.values.services[at],
      mount: listener,
      log,
      metrics: telemetry.metrics,
      scope: own.child(service.name),
      signal: draining.signal,
      fail: lifetime.fail,
      onDrain: (name, drain) => drains.add(`${service.name}: ${name}`, drain),
      process: parts.process,
    });
    if ((await Promise.race([starting, lifetime.told])) === undefined) log.debug("started");
    else starting.catch((error: unknown) => log.warn("the start was broken off", { error }));
  }
}
