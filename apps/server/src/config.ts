import { homedir } from "node:os";
import { join } from "node:path";
import { count, path, section } from "@berth/config";

/** What the composer itself reads; the services' own options are theirs. */
export const serverConfig = section({
  daemons: count("CODER_PROVISIONER_DAEMONS", 3, "Built-in provisioner daemons; 0 turns them off"),
  cacheFolder: path(
    "CODER_CACHE_DIRECTORY",
    join(homedir(), ".cache", "berth"),
    "Folder of the built-in daemons' caches, a slot each",
    { shown: "~/.cache/berth" },
  ),
});
