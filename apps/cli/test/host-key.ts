import ssh2 from "ssh2";

/** A host key of a server. Once in some hundred times ssh2 writes one that it cannot read itself. */
export function makeHostKey(): { readonly public: string; readonly private: string } {
  const key = ssh2.utils.generateKeyPairSync("ed25519");
  return ssh2.utils.parseKey(key.private) instanceof Error ? makeHostKey() : key;
}
