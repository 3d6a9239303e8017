import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tfplugin6 } from "@berth/contract";
import { serveOnSocket } from "@berth/rpc";
import type { BuildContext } from "./build-context.ts";
import { providerHandlers } from "./handlers.ts";

/** The provider of one build. */
export interface ServedProvider extends AsyncDisposable {
  /** The value of TF_REATTACH_PROVIDERS by which Terraform (or OpenTofu) uses it in place of a download. */
  readonly reattach: string;
}

/**
 * Serves `coder/coder` to the Terraform of one build, on a socket of its own: StopProvider and the data of one build then
 * never reach another. The socket lies in a short 0700 folder, because a path over 100 bytes fails.
 */
export async function serveProvider(build: BuildContext): Promise<ServedProvider> {
  const folder = await mkdtemp(join(tmpdir(), "berth-tf-"));
  const socket = join(folder, "p");
  const server = await serveOnSocket(socket, tfplugin6.ProviderService, providerHandlers(build));
  const scapegoat = await startScapegoat();
  const reattached = {
    Protocol: "grpc",
    ProtocolVersion: 6,
    Pid: scapegoat.pid,
    Test: true,
    Addr: { Network: "unix", String: socket },
  };
  return {
    reattach: JSON.stringify({
      "registry.terraform.io/coder/coder": reattached,
      "registry.opentofu.org/coder/coder": reattached,
    }),
    async [Symbol.asyncDispose]() {
      scapegoat.kill();
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The pid of a provider must be alive, and Terraform kills it when it does not reach the provider: so it is not ours. */
async function startScapegoat() {
  const child = spawn("/bin/sh", ["-c", "read -r _"], { stdio: ["pipe", "ignore", "ignore"] }); // it ends with us
  child.stdin.on("error", () => undefined); // Terraform has killed it
  await once(child, "spawn");
  child.unref();
  return child;
}
