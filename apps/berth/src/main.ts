import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";

// not in the temp folder, Node's own choice: what stands there anybody may have written, and this may run as root
enableCompileCache(join(homedir(), ".cache", "berth-node"));

/** Flags that may stand before the first word and take a value of their own. */
const WITH_VALUE = ["--url", "--token", "--global-config", "--header", "--header-command"];

const argv = process.argv.slice(2);
const at = argv.findIndex((arg, i) => !arg.startsWith("-") && !WITH_VALUE.includes(argv[i - 1] ?? ""));
const startsDaemon = /^provisioner(s|d)?$/.test(argv[at] ?? "") && argv[at + 1] === "start";

// large buffers and few objects: docs/decisions/0006-a-small-young-generation.md
if (argv[at] !== "server") setFlagsFromString("--semi-space-growth-factor=1");

if (argv[at] === "server") void import("@berth/server").then((server) => server.main(argv.toSpliced(at, 1)));
else if (argv[at] === "agent") void import("@berth/agent").then((agent) => agent.main(argv.toSpliced(at, 1)));
else if (startsDaemon)
  void import("@berth/provisioner-daemon").then((daemon) => daemon.main(argv.toSpliced(at, 2)));
else void import("@berth/cli").then((cli) => cli.main(argv));
