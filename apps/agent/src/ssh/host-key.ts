import { generateKeyPairSync, randomBytes } from "node:crypto";

/** A host key in the two forms that are needed: OpenSSH's private form, and one line as in authorized_keys. */
export interface HostKey {
  readonly privateKey: string;
  readonly publicLine: string;
}

const TYPE = "ssh-ed25519";
const BLOCK_BYTES = 8;

/**
 * Makes the host key of this agent process. It never rests on a disk: the plane hands its public half to clients.
 * (ssh2's own generator writes, once in some hundred times, a key that ssh2 cannot read.)
 */
export function generateHostKey(): HostKey {
  const { d = "", x = "" } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const [seed, point] = [Buffer.from(d, "base64url"), Buffer.from(x, "base64url")];
  const publicBlob = Buffer.concat([field(TYPE), field(point)]);
  return {
    privateKey: privateForm(seed, point, publicBlob),
    publicLine: `${TYPE} ${publicBlob.toString("base64")}`,
  };
}

/** PROTOCOL.key of OpenSSH, without a passphrase. */
function privateForm(seed: Buffer, point: Buffer, publicBlob: Buffer): string {
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    publicBlob,
    field(Buffer.concat([seed, point])),
    field(""), // a comment
  ]);
  const padding = Buffer.from(
    Array.from({ length: (BLOCK_BYTES - (secret.length % BLOCK_BYTES)) % BLOCK_BYTES }, (_, at) => at + 1),
  );
  const key = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"),
    field("none"),
    field(""),
    Buffer.from([0, 0, 0, 1]),
    field(publicBlob),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = key.toString("base64").match(/.{1,70}/g) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join(
    "\n",
  );
}

function field(value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
