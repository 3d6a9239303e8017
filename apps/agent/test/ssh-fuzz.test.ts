import { duplexPair } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ProcessGroups } from "../src/processes/process-groups.ts";
import { generateHostKey } from "../src/ssh/host-key.ts";
import { SshServer } from "../src/ssh/ssh-server.ts";
import { silent } from "./open-ssh.ts";

const server = new SshServer({
  hostKey: generateHostKey(),
  workplace: {
    shell: "/bin/sh",
    home: "/",
    folder: () => "/",
    environment: () => ({}),
    motdFile: () => undefined,
    processes: new ProcessGroups(),
  },
  log: silent,
});

/** A packet of SSH's first, unsealed kind: length | padding length | payload | padding. */
function packet(payload: Uint8Array): Buffer {
  const padding = 8 - ((5 + payload.length) % 8) + 4;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length + padding);
  head[4] = padding;
  return Buffer.concat([head, payload, Buffer.alloc(padding)]);
}

const greeting = fc.constantFrom("SSH-2.0-fuzz\r\n", "SSH-1.5-old\r\n", "hello\r\nSSH-2.0-x\r\n", "");
const bytes = fc.uint8Array({ maxLength: 300 });

test("whatever a client says before it is sealed, its stream ends with it and nothing is thrown", async () => {
  await fc.assert(
    fc.asyncProperty(
      greeting,
      fc.array(fc.oneof(bytes, bytes.map(packet)), { maxLength: 6 }),
      async (first, said) => {
        const [ours, theirs] = duplexPair();
        const closed = new Promise((resolve) => theirs.once("close", resolve));
        theirs.on("error", () => undefined);
        server.serve(theirs);
        ours.on("error", () => undefined);
        ours.resume();
        ours.write(first);
        for (const each of said) ours.write(each);
        ours.end();
        await closed;
        expect(theirs.destroyed).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});
