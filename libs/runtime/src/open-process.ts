import { access, constants, mkdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { createSecureContext } from "node:tls";
import { ConfigError } from "@berth/config";
import { type Listener, openListener } from "@berth/rpc";
import { CodedError, type Scope, messageOf, newId } from "@berth/std";
import type { Logger, Metrics } from "@berth/telemetry";
import type { Member } from "./membership-seam.ts";
import type { Plan, Values } from "./plan.ts";
import type { PostgresUse, Process, ReplicaId } from "./process.ts";
import { OpenedOnce } from "./opened-once.ts";

/** A fresh replica id. */
export const newReplicaId = (): ReplicaId => newId<"replica">();

/** What the listener takes from the disk. */
export interface ListenerFiles {
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
}

/** Makes the data folder and reads the certificate, before anything is opened. @throws ConfigError */
export async function readListenerFiles({ process: config }: Values): Promise<ListenerFiles> {
  const tls = await readCertificate(config);
  await makeFolder(config.dataFolder);
  return tls === undefined ? {} : { tls };
}

/** Binds the one listener. @throws ConfigError when it cannot */
export function bindListener(
  { process: config }: Values,
  files: ListenerFiles,
  log: Logger,
  metrics: Metrics,
): Promise<Listener> {
  return openListener({
    address: config.listen,
    folder: join(config.dataFolder, "run"), // of its own: the data folder may have to be passable for Postgres' user
    log,
    metrics,
    starting: true,
    ...files,
  });
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(dirname(folder), { recursive: true }); // the way to it stays passable for Postgres' user
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK);
  } catch (error) {
    const mend = "Set CODER_CONFIG_DIR to a folder that this user may write";
    const expected = `the folder cannot be used (${messageOf(error)})`;
    throw new ConfigError([{ variable: "CODER_CONFIG_DIR", value: folder, expected, mend }]);
  }
}

async function readCertificate(config: Values["process"]) {
  if (!config.tls) return undefined;
  const read = (variable: string, file: string | undefined) =>
    file === undefined
      ? Promise.reject(new Error("it is not set"))
      : readFile(file).catch((error: unknown) => {
          throw new Error(`the file cannot be read (${messageOf(error)})`);
        });
  const files = { CODER_TLS_CERT_FILE: config.tlsCert, CODER_TLS_KEY_FILE: config.tlsKey };
  const [cert, key] = await Promise.allSettled(Object.entries(files).map(([name, file]) => read(name, file)));
  if (cert?.status === "fulfilled" && key?.status === "fulfilled")
    return checkPair({ cert: cert.value, key: key.value }, config.tlsCert ?? "");
  const mistakes = Object.entries(files).flatMap(([variable, value], at) => {
    const outcome = at === 0 ? cert : key;
    if (outcome?.status !== "rejected") return [];
    const mend = "Set it to a PEM file, or CODER_TLS_ENABLE to false";
    return [
      { variable, expected: messageOf(outcome.reason), mend, ...(value === undefined ? {} : { value }) },
    ];
  });
  throw new ConfigError(mistakes);
}

/** Files that are no certificate and key, or do not belong together, would fail every handshake instead. */
function checkPair<Pair extends { cert: Buffer; key: Buffer }>(pair: Pair, file: string): Pair {
  try {
    createSecureContext(pair);
    return pair;
  } catch (error) {
    const expected = `it is no certificate, or CODER_TLS_KEY_FILE is not its key (${messageOf(error)})`;
    const mend = "Set both to PEM files that belong together";
    throw new ConfigError([{ variable: "CODER_TLS_CERT_FILE", value: file, expected, mend }]);
  }
}

/** What making a process needs. */
export interface ProcessParts {
  readonly plan: Plan;
  readonly values: Values;
  readonly replicaId: ReplicaId;
  readonly listener: Listener;
  readonly scope: Scope;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly fail: (error: unknown) => void;
}

/** A process, and whether and how it is a member of the cluster. */
export interface OpenedProcess {
  readonly process: Process;
  /** The membership, once somebody has asked for it; it may still be joining. */
  member(): Promise<Member> | undefined;
}

/** What the services of one process share. */
export function openProcess(parts: ProcessParts): OpenedProcess {
  const { plan, values, listener, scope } = parts;
  const shared = new OpenedOnce(scope);
  let key: Buffer | undefined;
  let member: Promise<Member> | undefined;
  let postgres: PostgresUse | undefined;
  const opened: Process = {
    replicaId: parts.replicaId,
    hostname: hostname(),
    services: plan.services.map((service) => service.name),
    address: listener.address,
    port: listener.port,
    ownTarget: listener.ownTarget,
    dataFolder: values.process.dataFolder,
    startedAt: new Date(),
    share: (name, open) => shared.get(name, open),
    trust(deploymentKey) {
      key = deploymentKey;
      listener.trust(deploymentKey);
    },
    get deploymentKey() {
      if (key === undefined)
        throw new CodedError("failed_precondition", "the deployment key is asked for before it was read");
      return key;
    },
    usesPostgres: (use) => void (postgres = use),
    get postgres() {
      return postgres;
    },
    async joinCluster() {
      if (plan.membership === undefined)
        throw new CodedError(
          "failed_precondition",
          "this process was started without a membership to join by",
        );
      member ??= plan.membership.join({ ...parts, config: values.membership, process: opened });
      return (await member).cluster;
    },
  };
  return { process: opened, member: () => member };
}
