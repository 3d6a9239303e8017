/** What a launcher that was killed has left: its nodes go on without a balancer, and hold the folders of new ones. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const END_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 100;

interface FormerCluster {
  readonly balancer: { readonly pid: number };
  readonly nodes: readonly { readonly name: string; readonly pid: number; readonly dataFolder: string }[];
}

/** Ends the nodes in that `cluster.json`. @throws when their launcher runs: its balancer lives as long as it does. */
export async function endFormerNodes(file: string, say: (line: string) => void): Promise<void> {
  const former = await readFile(file, "utf8").then(
    (text) => JSON.parse(text) as FormerCluster,
    () => undefined, // none was started here
  );
  if (former === undefined) return;
  if (await mentions(former.balancer.pid, "cmdline", /tools\/cluster\/balancer\.ts/))
    throw new Error(
      `the cluster in ${file} runs: end its launcher first (its balancer has pid ${former.balancer.pid})`,
    );
  await Promise.all(
    former.nodes.map(async ({ name, pid, dataFolder }) => {
      const isThere = () => mentions(pid, "environ", `\0CODER_CONFIG_DIR=${dataFolder}\0`);
      if (!(await isThere())) return;
      say(`${name}       pid ${pid} was left behind: it is ended`);
      process.kill(pid, "SIGTERM");
      for (let waited = 0; waited < END_WITHIN_MS && (await isThere()); waited += LOOK_EVERY_MS)
        await sleep(LOOK_EVERY_MS);
      if (await isThere()) process.kill(pid, "SIGKILL");
    }),
  );
}

/** Whether the process is there, and is the one that is meant: a pid may be somebody else's by now. */
async function mentions(
  pid: number,
  what: "cmdline" | "environ",
  pattern: string | RegExp,
): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/${what}`, "utf8").catch(() => ""); // it has gone, or there is no /proc
  return typeof pattern === "string" ? `\0${text}`.includes(pattern) : pattern.test(text);
}
