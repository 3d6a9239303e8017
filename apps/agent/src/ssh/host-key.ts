import ssh2 from "ssh2";

/** A host key in the two forms that are needed: OpenSSH's private form, and one line as in authorized_keys. */
export interface HostKey {
  readonly privateKey: string;
  readonly publicLine: string;
}

/** Makes the host key of this agent process. It never rests on a disk: the plane hands its public half to clients. */
export function generateHostKey(): HostKey {
  const pair = ssh2.utils.generateKeyPairSync("ed25519");
  return { privateKey: pair.private, publicLine: pair.public.trim() };
}
