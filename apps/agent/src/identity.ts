import { arch, hostname, platform } from "node:os";
import { newId, version } from "@berth/std";
import type { agent } from "@berth/contract";
import { generateKeyPair } from "@berth/tunnel";
import { generateHostKey } from "./ssh/host-key.ts";

const API_VERSION = "1.0";

/** Who this process is: new at every start, never on a disk. */
export class Identity {
  readonly incarnation = newId<"incarnation">();
  /** Of its tunnels. */
  readonly keys = generateKeyPair();
  readonly hostKey = generateHostKey();

  /** A variable that everything started here has in its environment: that is how it is found at the end. */
  get mark(): readonly [name: string, value: string] {
    return ["BERTH_AGENT_INCARNATION", this.incarnation];
  }

  hello(expandedDirectory: string): agent.AgentHello {
    return {
      incarnation: this.incarnation,
      publicKey: this.keys.publicKey,
      version,
      apiVersion: API_VERSION,
      operatingSystem: platform(),
      architecture: arch() === "x64" ? "amd64" : arch(),
      expandedDirectory,
      sshHostKey: this.hostKey.publicLine,
      subsystems: [],
      traceparent: "",
      hostname: hostname(),
    };
  }
}
