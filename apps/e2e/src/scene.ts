import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bareEnvironment, TestCluster } from "./cluster.ts";
import { Person } from "./berth.ts";
import { type SteeringBalancer, startSteeringBalancer } from "./steering-balancer.ts";

/** Three nodes behind a balancer that the test steers, and their owner, logged in. Node 1 alone runs builds. */
export interface Scene extends AsyncDisposable {
  readonly folder: string;
  readonly cluster: TestCluster;
  readonly balancer: SteeringBalancer;
  readonly owner: Person;
  /** The owner through one node alone, past every balancer. */
  through(number: 1 | 2 | 3): Promise<Person>;
}

const PASSWORD = "correct horse battery";

/** Starts it all. */
export async function startScene(): Promise<Scene> {
  const folder = await makeFolder();
  const balancer = await startSteeringBalancer();
  const cluster = await TestCluster.start(folder, {
    CODER_ACCESS_URL: balancer.url,
    CODER_PROVISIONER_DAEMONS: "0",
  });
  try {
    await cluster.kill(cluster.node(1));
    await cluster.startAgain(cluster.node(1), { CODER_PROVISIONER_DAEMONS: "2" });
    balancer.steer(...cluster.nodes.map((node) => node.address));
    const owner = await personAt(folder, "owner", balancer.url);
    return {
      folder,
      cluster,
      balancer,
      owner,
      through: (number) => personAt(folder, `through-${number}`, `http://${cluster.node(number).address}`),
      async [Symbol.asyncDispose]() {
        await endWorkspaces(folder);
        await cluster[Symbol.asyncDispose]();
        await balancer[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw new Error(`starting the scene:\n${cluster.output}`, { cause: error });
  }
}

/** A folder that Postgres' own user may traverse. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "berth-e2e-"));
  await Promise.all(["home", "data"].map((name) => mkdir(join(folder, name))));
  await chmod(folder, 0o755);
  return folder;
}

/** The owner's command line at one URL: made as the first user where there is none yet. */
export async function personAt(folder: string, name: string, url: string): Promise<Person> {
  const place = join(folder, name);
  await mkdir(place, { recursive: true });
  const person = new Person(place, bareEnvironment(folder));
  await person.must(
    "login",
    url,
    "--first-user-username=owner",
    "--first-user-email=owner@example.com",
    `--first-user-password=${PASSWORD}`,
  );
  return person;
}

/** Ends what a failed test has left of its workspaces: every process of one carries its id in its environment. */
export async function endWorkspaces(folder: string): Promise<void> {
  const ids = await readdir(join(folder, "data", "berth", "local")).catch(() => []); // none was made
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => ""); // ended meanwhile
    if (!ids.some((id) => environment.includes(`BERTH_LOCAL_WORKSPACE=${id}`))) continue;
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // it has ended by itself
    }
  }
}
