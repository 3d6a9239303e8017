import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { isUuid } from "@berth/std";
import { readIfThere, writeWhole } from "./files.ts";

/** Who a daemon is: the id lives in its cache folder, the incarnation is new at every start. */
export interface Identity {
  readonly daemonId: string;
  readonly incarnation: string;
  readonly machineId: string;
}

/** Reads or makes the ids. */
export async function openIdentity(cacheFolder: string, dataHome: string): Promise<Identity> {
  return {
    daemonId: await idIn(join(cacheFolder, "daemon-id")),
    incarnation: randomUUID(),
    machineId: await idIn(join(dataHome, "berth", "machine-id")),
  };
}

async function idIn(path: string): Promise<string> {
  const known = (await readIfThere(path))?.trim() ?? "";
  if (isUuid(known)) return known;
  const made = randomUUID();
  await writeWhole(path, `${made}\n`);
  // several daemons of a machine may have made one at once: what is in the file now is it
  return (await readIfThere(path))?.trim() ?? made;
}
