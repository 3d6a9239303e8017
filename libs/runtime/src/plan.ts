import {
  type Environment,
  type Section,
  environment,
  helpText,
  parse,
  programArguments,
} from "@berth/config";
import { telemetryConfig } from "@berth/telemetry";
import { processConfig } from "./config.ts";
import type { Membership } from "./membership-seam.ts";
import type { RunOptions } from "./options.ts";
import type { Service } from "./service.ts";

/** The sections of a process and where their values come from. */
export interface Plan {
  readonly services: readonly Service[];
  readonly membership: Membership<unknown> | undefined;
  readonly options: RunOptions;
}

/** The values of every section. */
export interface Values {
  readonly process: ConfigOf<typeof processConfig>;
  readonly telemetry: ConfigOf<typeof telemetryConfig>;
  readonly membership: unknown;
  readonly preparation: unknown;
  /** In the order of the services. */
  readonly services: readonly unknown[];
  readonly warnings: readonly string[];
}

type ConfigOf<S> = S extends Section<infer Config> ? Config : never;

/** The options' values of the whole process. @throws ConfigError with every mistake */
export function readValues(plan: Plan, variables: Readonly<Record<string, string>>): Values {
  const { values, warnings } = parse(
    [processConfig, telemetryConfig, membershipOf(plan), preparationOf(plan), ...plan.services.map(configOf)],
    { env: { ...envOf(plan), ...variables }, argv: argvOf(plan) },
  );
  const [own, telemetry, membership, preparation, ...services] = values;
  return { process: own, telemetry, membership, preparation, services, warnings };
}

/** The text of `--help` if it was asked for. */
export function helpAskedFor(plan: Plan): string | undefined {
  if (!argvOf(plan).some((word) => word === "--help" || word === "-h")) return undefined;
  const all = [
    ...plan.services.map(configOf),
    preparationOf(plan),
    processConfig,
    membershipOf(plan),
    telemetryConfig,
  ];
  return `Options (a flag stands above its variable):\n${helpText(all)}\n`;
}

const configOf = (service: Service): Section<unknown> => service.config;
const preparationOf = ({ options }: Plan): Section<unknown> => options.prepare?.config ?? { fields: {} };
const membershipOf = ({ membership }: Plan): Section<unknown> => membership?.config ?? { fields: {} };
const argvOf = ({ options }: Plan): readonly string[] => options.argv ?? programArguments();
const envOf = ({ options }: Plan): Environment => ({ ...environment(), ...options.env });
