import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Scope } from "@berth/std";
import { eventually } from "@berth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outcomeOf, type Person, PROGRAM } from "../src/berth.ts";
import { bareEnvironment, TestCluster } from "../src/cluster.ts";
import { Pod } from "../src/pod.ts";
import { endWorkspaces, makeFolder, personAt } from "../src/scene.ts";
import { talkingTemplate } from "../src/talking-template.ts";
import { TextStream } from "../src/text-stream.ts";

/** Applies until a file is there, and talks meanwhile. */
const untilTold = (file: string) =>
  talkingTemplate(`i=0; until [ -e ${file} ]; do i=$((i+1)); echo line-$i; sleep 0.1; done; echo last-$i`);

describe("P4: three nodes are restarted one after the other, by SIGTERM", () => {
  const scope = new Scope();
  let cluster: TestCluster;
  let owner: Person;
  let folder: string;

  beforeAll(async () => {
    folder = await makeFolder();
    scope.add("folder", () => rm(folder, { recursive: true, force: true }));
    cluster = await TestCluster.start(folder, {
      CODER_PROVISIONER_DAEMONS: "0",
      CODER_DRAIN_LAME_DUCK: "2s", // the balancer asks four times a second
      CODER_API_RATE_LIMIT: "1000000",
    });
    scope.use("cluster", cluster);
    scope.add("workspaces", () => endWorkspaces(folder));
    owner = await personAt(folder, "owner", cluster.url);
    const key = (await owner.must("provisioner", "keys", "create", "rolling")).trim();
    const daemon = new Pod("daemon", [PROGRAM, "provisioner", "start"], {
      ...bareEnvironment(folder),
      CODER_URL: cluster.url,
      CODER_PROVISIONER_DAEMON_KEY: key,
      CODER_CACHE_DIRECTORY: join(folder, "daemon"),
    });
    scope.use("daemon", daemon);
    await owner.must("templates", "init", "--id", "local", "local");
    await owner.must("templates", "push", "local", "--directory", "local", "--yes");
    await owner.must("create", "dev", "--template", "local", "--yes");
    await owner.must("config-ssh", "--ssh-config-file", owner.sshConfig, "--yes");
    await owner.must("templates", "init", "--id", "local", "talk");
    await rm(join(owner.folder, "talk", "berth.json"));
    await writeFile(join(owner.folder, "talk", "main.tf"), untilTold(join(folder, "told")));
    await owner.must("templates", "push", "talk", "--directory", "talk", "--yes");
  }, 180_000);
  afterAll(() => scope.close(), 120_000);

  test("no request fails, a build goes on, its follower misses nothing, a shell is the same process", async () => {
    const shell = owner.openSsh("ssh", "-tt", "coder.dev");
    const screen = new TextStream(shell.stdout);
    const pidOfShell = async (word: string): Promise<string | undefined> => {
      shell.stdin.write(`echo ${word}-$$-${word}\n`);
      return (await screen.until(new RegExp(`${word}-(\\d+)-${word}`)))[1];
    };
    const pid = await pidOfShell("before");
    await owner.must("create", "talk", "--template", "talk", "--yes", "--no-wait");
    const follower = owner.start("logs", "-f", "talk");
    const log = new TextStream(follower.stdout);
    await log.until(/line-1\b/);
    await using requests = askWithoutPause(cluster.url, await tokenOf(owner));

    for (const number of [1, 2, 3] as const) {
      await cluster.end(cluster.node(number));
      expect(await pidOfShell(`without-${number}`)).toBe(pid);
      await cluster.startAgain(cluster.node(number));
      const served = requests.answered;
      await eventually(() => expect(requests.answered).toBeGreaterThan(served));
    }

    await writeFile(join(folder, "told"), "");
    expect((await outcomeOf(follower)).code).toBe(0);
    const [, last] = await log.until(/last-(\d+)/);
    const numbers = [...log.text.matchAll(/line-(\d+)\b/g)].map(([, digits]) => Number(digits));
    expect(numbers).toEqual(Array.from({ length: Number(last) }, (_, i) => i + 1));
    shell.stdin.write("exit\n");
    expect(await outcomeOf(shell)).toMatchObject({ code: 0 });
    expect(requests.failures).toEqual([]);
  }, 180_000);
});

interface Requests extends AsyncDisposable {
  readonly answered: number;
  readonly failures: readonly string[];
}

const ASKERS = 4;

/** Requests without a pause, on connections that are kept, until it is disposed of. */
function askWithoutPause(url: string, token: string): Requests {
  const state = { answered: 0, failures: [] as string[], goesOn: true };
  const ask = async () => {
    while (state.goesOn) {
      try {
        const answer = await fetch(`${url}/api/v2/users/me`, { headers: { "coder-session-token": token } });
        await answer.arrayBuffer();
        if (answer.status === 200) state.answered++;
        else state.failures.push(`status ${answer.status}`);
      } catch (error) {
        state.failures.push(String(error instanceof Error ? (error.cause ?? error) : error));
      }
    }
  };
  const asking = Promise.all(Array.from({ length: ASKERS }, ask));
  return Object.assign(state, {
    async [Symbol.asyncDispose]() {
      state.goesOn = false;
      await asking;
    },
  });
}

async function tokenOf(person: Person): Promise<string> {
  return (await readFile(join(person.folder, "config", "session"), "utf8")).trim();
}
