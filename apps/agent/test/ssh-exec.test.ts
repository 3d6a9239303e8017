import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { noOpenSsh, OpenSsh } from "./open-ssh.ts";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const HOST = "127.0.0.1";

test.skipIf(noOpenSsh)("a command's output, errors and exit code reach OpenSSH", async () => {
  await using host = await OpenSsh.start();
  const result = await host.ssh([HOST, "echo out; echo err >&2; exit 42"]);
  expect(result).toMatchObject({ code: 42, stderr: "err\n" });
  expect(result.stdout.toString()).toBe("out\n");
});

test.skipIf(noOpenSsh)("a command reads its input to the end", async () => {
  await using host = await OpenSsh.start();
  const result = await host.ssh([HOST, "cat; echo over"], Buffer.from("first\nsecond\n"));
  expect(result.stdout.toString()).toBe("first\nsecond\nover\n");
});

test.skipIf(noOpenSsh)("a command without any input still runs", async () => {
  await using host = await OpenSsh.start();
  expect((await host.ssh(["-n", HOST, "echo here"])).stdout.toString()).toBe("here\n");
});

test.skipIf(noOpenSsh)("fifty megabytes pass both ways at once, whole", async () => {
  await using host = await OpenSsh.start();
  const bytes = randomBytes(50 * 1024 * 1024);
  const both = await host.ssh([HOST, "cat"], bytes);
  expect(sha256(both.stdout)).toBe(sha256(bytes));
});

test.skipIf(noOpenSsh)("megabytes of output and of errors side by side arrive whole", async () => {
  await using host = await OpenSsh.start();
  const lines = "seq 1 400000 & seq 1 400000 >&2; wait";
  const { stdout, stderr, code } = await host.ssh([HOST, lines]);
  const wanted = Buffer.from(Array.from({ length: 400_000 }, (_, at) => `${at + 1}\n`).join(""));
  expect({ code, out: sha256(stdout), err: sha256(Buffer.from(stderr)) }).toEqual({
    code: 0,
    out: sha256(wanted),
    err: sha256(wanted),
  });
});

test.skipIf(noOpenSsh)("a command that a signal has ended is told as such", async () => {
  await using host = await OpenSsh.start();
  expect((await host.ssh([HOST, "kill -TERM $$"])).code).toBe(255); // how OpenSSH passes on an exit by signal
});

test.skipIf(noOpenSsh)("the workspace's environment is there, and the client adds its own", async () => {
  await using host = await OpenSsh.start();
  const result = await host.ssh(["-o", "SetEnv=GREETING=hello", HOST, "echo $CODER $GREETING $PWD"]);
  expect(result.stdout.toString()).toBe(`true hello ${host.folder}\n`);
});

test.skipIf(noOpenSsh)("a shell that is not there is said, with an exit code", async () => {
  await using host = await OpenSsh.start({ shell: "/no/such/shell" });
  const result = await host.ssh([HOST, "true"]);
  expect(result.code).toBe(126);
  expect(result.stderr).toContain("/no/such/shell");
});

test.skipIf(noOpenSsh)("output of a background process that outlives its shell is waited for", async () => {
  await using host = await OpenSsh.start();
  const { stdout } = await host.ssh([HOST, "(sleep 0.3; echo late) & echo early"]);
  expect(stdout.toString()).toBe("early\nlate\n");
});
