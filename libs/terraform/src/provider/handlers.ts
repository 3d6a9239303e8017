import { tfplugin6 } from "@berth/contract";
import type { UnaryHandlers } from "@berth/rpc";
import { agent } from "./agent.ts";
import type { BuildContext } from "./build-context.ts";
import { type Finding, wireDiagnostic } from "./diagnostic.ts";
import { parameter } from "./parameter.ts";
import { planChange } from "./plan-change.ts";
import { provisioner } from "./provisioner.ts";
import type { DataSource, Resource } from "./resource.ts";
import { type Block, conform, optional, wireSchema } from "./schema.ts";
import { type Value, type Values, decodeValue, encodeValue, isValues, toValue } from "./value.ts";
import { workspace } from "./workspace.ts";
import { workspaceOwner } from "./workspace-owner.ts";

const resources: ReadonlyMap<string, Resource> = new Map([["coder_agent", agent]]);
const dataSources: ReadonlyMap<string, DataSource> = new Map([
  ["coder_workspace", workspace],
  ["coder_workspace_owner", workspaceOwner],
  ["coder_provisioner", provisioner],
  ["coder_parameter", parameter],
]);

// templates may point the provider at a deployment; this one already knows which it serves
const providerBlock: Block = {
  attributes: {
    url: optional(
      "string",
      "Accepted and not needed: the provider belongs to the deployment that runs the build",
    ),
    feature_use_managed_variables: optional("bool", "Accepted and not needed"),
  },
  blocks: {},
};

/** Terraform's provider protocol for one build. */
export function providerHandlers(build: BuildContext): UnaryHandlers<typeof tfplugin6.ProviderService> {
  const capabilities = { planDestroy: false, getProviderSchemaOptional: false, moveResourceState: false };
  return {
    getMetadata: () => settle({ serverCapabilities: capabilities, diagnostics: [] }),
    getProviderSchema: () =>
      settle({
        provider: wireSchema(providerBlock),
        resourceSchemas: schemasOf(resources),
        dataSourceSchemas: schemasOf(dataSources),
        diagnostics: [],
        serverCapabilities: capabilities,
      }),
    validateProviderConfig: () => settle({ diagnostics: [] }),
    configureProvider: () => settle({ diagnostics: [] }),
    stopProvider: () => settle({ error: "" }), // nothing here takes long enough to be stopped
    validateResourceConfig: ({ typeName, config }) => validate(resourceNamed(typeName), config),
    validateDataResourceConfig: ({ typeName, config }) => validate(dataSourceNamed(typeName), config),
    upgradeResourceState({ typeName, rawState }) {
      const { block } = resourceNamed(typeName);
      const stored = toValue(JSON.parse(rawState?.json.toString("utf8") ?? "null"));
      return settle({
        upgradedState: send(isValues(stored) ? conform(block, stored) : null),
        diagnostics: [],
      });
    },
    readResource({ typeName, currentState, private: kept }) {
      const resource = resourceNamed(typeName);
      const state = receive(resource.block, currentState);
      const newState = state === null ? null : resource.refresh(state, build);
      return settle({ newState: send(newState), diagnostics: [], private: kept });
    },
    planResourceChange({ typeName, priorState, proposedNewState, config, priorPrivate }) {
      const { block } = resourceNamed(typeName);
      const change = planChange(
        block,
        receive(block, priorState),
        receive(block, proposedNewState),
        receive(block, config),
      );
      return settle({
        plannedState: send(change.planned),
        requiresReplace: change.replacedBy.map((name) => ({
          steps: [{ selector: { $case: "attributeName", value: name } as const }],
        })),
        plannedPrivate: priorPrivate,
        diagnostics: [],
      });
    },
    applyResourceChange({ typeName, priorState, plannedState, plannedPrivate }) {
      const resource = resourceNamed(typeName);
      const planned = receive(resource.block, plannedState);
      const isNew = receive(resource.block, priorState) === null;
      const newState = planned !== null && isNew ? resource.create(planned, build) : planned;
      return settle({ newState: send(newState), private: plannedPrivate, diagnostics: [] });
    },
    readDataSource({ typeName, config }) {
      const source = dataSourceNamed(typeName);
      const { value, findings } = source.read(receive(source.block, config) ?? {}, build);
      return settle({ state: send(conform(source.block, value)), diagnostics: findings.map(wireDiagnostic) });
    },
  };
}

/** What templates may use of this provider, as they write it. */
export const servedTypes = [...resources.keys(), ...[...dataSources.keys()].map((type) => `data.${type}`)];

function settle<T>(answer: T): Promise<T> {
  return Promise.resolve(answer);
}

function schemasOf(named: ReadonlyMap<string, { block: Block }>): Record<string, tfplugin6.Schema> {
  return Object.fromEntries([...named].map(([name, { block }]) => [name, wireSchema(block)]));
}

function validate(
  { block, validate: check }: { block: Block; validate: (config: Values) => readonly Finding[] },
  config: tfplugin6.DynamicValue | undefined,
): Promise<{ diagnostics: tfplugin6.Diagnostic[] }> {
  return settle({ diagnostics: check(receive(block, config) ?? {}).map(wireDiagnostic) });
}

function resourceNamed(type: string): Resource {
  const found = resources.get(type);
  if (found === undefined) throw new Error(`serving the provider: no resource ${type}`);
  return found;
}

function dataSourceNamed(type: string): DataSource {
  const found = dataSources.get(type);
  if (found === undefined) throw new Error(`serving the provider: no data source ${type}`);
  return found;
}

function receive(block: Block, wire: tfplugin6.DynamicValue | undefined): Values | null {
  const value = wire === undefined || wire.msgpack.length === 0 ? null : decodeValue(wire.msgpack);
  return isValues(value) ? conform(block, value) : null;
}

function send(value: Value): tfplugin6.DynamicValue {
  return { msgpack: encodeValue(value), json: Buffer.alloc(0) };
}
