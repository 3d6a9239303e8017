import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { noOpenSsh, OpenSsh } from "./open-ssh.ts";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const HOST = "127.0.0.1";
const MEBIBYTE = 1024 * 1024;

async function hostWithFile(bytes: number): Promise<{ host: OpenSsh; file: string; hash: string }> {
  const host = await OpenSsh.start();
  const content = randomBytes(bytes);
  const file = join(host.folder, "source.bin");
  await writeFile(file, content);
  return { host, file, hash: sha256(content) };
}

for (const [mode, flags, size] of [
  ["over sftp", ["-s"], 20],
  ["in its old way", ["-O"], 4],
] as const)
  test.skipIf(noOpenSsh)(`scp ${mode} copies whole files both ways, with their modes and times`, async () => {
    const { host, file, hash } = await hostWithFile(size * MEBIBYTE);
    await using _ = host;
    const there = join(host.folder, "there.bin");
    const back = join(host.folder, "back.bin");
    expect(await host.scp(...flags, "-p", file, `${HOST}:there.bin`)).toMatchObject({ code: 0, stderr: "" });
    expect(sha256(await readFile(there))).toBe(hash);
    expect(await host.scp(...flags, `${HOST}:${there}`, back)).toMatchObject({ code: 0, stderr: "" });
    expect(sha256(await readFile(back))).toBe(hash);
    const [sent, arrived] = [await stat(file), await stat(there)];
    expect([arrived.mode, Math.floor(arrived.mtimeMs / 1000)]).toEqual([
      sent.mode,
      Math.floor(sent.mtimeMs / 1000),
    ]);
  });

test.skipIf(noOpenSsh)("scp over a longer file leaves nothing of it", async () => {
  const { host, file, hash } = await hostWithFile(1000);
  await using _ = host;
  await writeFile(join(host.folder, "there.bin"), randomBytes(5000));
  await host.scp("-s", file, `${HOST}:there.bin`);
  expect(sha256(await readFile(join(host.folder, "there.bin")))).toBe(hash);
});

test.skipIf(noOpenSsh)("scp takes whole folders, and paths below the home", async () => {
  const { host } = await hostWithFile(1);
  await using _ = host;
  await mkdir(join(host.folder, "tree/deep"), { recursive: true });
  await writeFile(join(host.folder, "tree/deep/leaf"), "leaf");
  expect(await host.scp("-s", "-r", join(host.folder, "tree"), `${HOST}:~/copied`)).toMatchObject({
    code: 0,
  });
  expect(await readFile(join(host.folder, "copied/deep/leaf"), "utf8")).toBe("leaf");
});

test.skipIf(noOpenSsh)("scp says which file is not there", async () => {
  await using host = await OpenSsh.start();
  const result = await host.scp("-s", `${HOST}:absent`, join(host.folder, "x"));
  expect(result.code).toBe(1);
  expect(result.stderr).toContain("No such file");
});

test.skipIf(noOpenSsh)("sftp puts, gets, resumes, lists, links, renames and removes", async () => {
  const { host, file, hash } = await hostWithFile(9 * MEBIBYTE);
  await using _ = host;
  const begun = (await readFile(file)).subarray(0, 7 * MEBIBYTE);
  await writeFile(join(host.folder, "half.bin"), begun);
  const result = await host.sftp(
    [
      "mkdir work",
      `put ${file} work/one.bin`,
      "chmod 600 work/one.bin",
      "rename work/one.bin work/two.bin",
      "ln -s two.bin work/link",
      "ln work/two.bin work/hard",
      `get work/link ${join(host.folder, "got.bin")}`,
      `reput ${file} half.bin`,
      "ls -la work",
      "df",
      "rm work/hard",
      "mkdir work/gone",
      "rmdir work/gone",
      "cd work",
      "pwd",
    ].join("\n"),
  );
  expect(result.code, result.stderr).toBe(0);
  const work = join(host.folder, "work");
  expect((await readdir(work)).sort()).toEqual(["link", "two.bin"]);
  expect(await readlink(join(work, "link"))).toBe("two.bin");
  expect((await stat(join(work, "two.bin"))).mode & 0o777).toBe(0o600);
  expect(sha256(await readFile(join(host.folder, "got.bin")))).toBe(hash);
  expect(sha256(await readFile(join(host.folder, "half.bin")))).toBe(hash);
  expect(result.stdout.toString()).toMatch(/-rw------- +2 .* 9437184 .* two\.bin/);
});

test.skipIf(noOpenSsh)(
  "names that are not UTF-8 survive, and folders of many entries are listed whole",
  async () => {
    await using host = await OpenSsh.start();
    const many = join(host.folder, "many");
    await mkdir(many);
    const odd = Buffer.concat([Buffer.from(`${many}/`), Buffer.from([0xff, 0xfe])]);
    await writeFile(odd, "odd");
    for (let at = 0; at < 150; at += 1) await symlink("nowhere", join(many, `entry-${at}`));
    const result = await host.sftp(`ls -1 many\nget -r many ${join(host.folder, "copy")}\n`);
    expect(
      result.stdout
        .toString()
        .split("\n")
        .filter((line) => line.includes("entry-")),
    ).toHaveLength(150);
    const copied = await readdir(join(host.folder, "copy"), { encoding: "buffer" });
    expect(copied.map((name) => name.toString("hex"))).toContain("fffe");
  },
);

test.skipIf(noOpenSsh)("a refused operation is said and the session goes on", async () => {
  await using host = await OpenSsh.start();
  const result = await host.sftp("-get absent\n-rmdir absent\n-mkdir known_hosts\npwd\n");
  expect(result.code).toBe(0);
  expect(result.stdout.toString()).toContain(host.folder);
});

test.skipIf(noOpenSsh)("who does not speak SFTP is told to go", async () => {
  await using host = await OpenSsh.start();
  const client = spawn("ssh", host.sshArguments("-s", HOST, "sftp"));
  client.stdin.on("error", () => undefined); // it goes without reading
  client.stdin.write(Buffer.from([0, 0, 0, 0])); // and its input stays open, as a client's that waits for an answer
  expect(await once(client, "close")).toEqual([1, null]);
});
