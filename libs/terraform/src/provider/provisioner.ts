import { arch, platform } from "node:os";
import { computed } from "./schema.ts";
import type { DataSource } from "./resource.ts";
import { stableId } from "./stable-id.ts";

/** Node's names of architectures and systems as Terraform's world writes them. */
const ARCHITECTURE: Readonly<Record<string, string>> = { x64: "amd64", arm: "armv7" };
const SYSTEM: Readonly<Record<string, string>> = { win32: "windows" };

/** `data.coder_provisioner`: the machine that runs this build. */
export const provisioner: DataSource = {
  block: {
    attributes: {
      id: computed("string", "Names the kind of machine"),
      os: computed("string", "linux, darwin or windows"),
      arch: computed("string", "amd64, arm64 or armv7"),
    },
    blocks: {},
  },
  validate: () => [],
  read() {
    const os = SYSTEM[platform()] ?? platform();
    const architecture = ARCHITECTURE[arch()] ?? arch();
    return {
      findings: [],
      value: { id: stableId("provisioner", os, architecture), os, arch: architecture },
    };
  },
};
