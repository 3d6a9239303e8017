import { enableCompileCache } from "node:module";

enableCompileCache();
void import("@berth/cli").then((cli) => cli.main(process.argv.slice(2)));
