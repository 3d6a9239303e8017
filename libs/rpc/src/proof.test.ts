import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyHolder, newNonce, proveKey } from "./proof.ts";

const key = randomBytes(32);
const PATH = "/berth.registry.v1.ReplicaRegistryService/JoinCluster";

function trusting(now: () => number = () => 0, ofKey = key): KeyHolder {
  const holder = new KeyHolder(now);
  holder.trust(ofKey);
  return holder;
}

function proofFor(holder: KeyHolder, path = PATH): string {
  const nonce = newNonce();
  return proveKey(key, path, nonce, holder.answer(nonce));
}

test("a proof opens its call once", () => {
  const holder = trusting();
  const proof = proofFor(holder);
  holder.check(PATH, proof);
  expect(() => holder.check(PATH, proof)).toThrow("used before");
});

test("a proof of one method opens no other", () => {
  const holder = trusting();
  expect(() => holder.check("/berth.relay.v1.RelayMeshService/Link", proofFor(holder))).toThrow(
    "does not hold this deployment's key",
  );
});

test("a proof made for one process is to be asked for again at another", () => {
  const proof = proofFor(trusting());
  expect(() => trusting().check(PATH, proof)).toThrow("for another process");
});

test("a proof dies after 30 s of the server's clock, and what was used is forgotten then", () => {
  let now = 1000;
  const holder = trusting(() => now);
  const [early, late] = [proofFor(holder), proofFor(holder)];
  now += 30_000;
  holder.check(PATH, early);
  now += 1;
  expect(() => holder.check(PATH, late)).toThrow("too old");
  expect(() => holder.check(PATH, early)).toThrow("too old");
});

test("a server of another key convinces no caller", () => {
  const other = trusting(() => 0, randomBytes(32));
  expect(() => proofFor(other)).toThrow("must use the same database");
});

test("whatever is altered in a proof, it opens nothing", () => {
  const holder = trusting();
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(proofFor(holder), "base64url");
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ change;
      expect(() => holder.check(PATH, bytes.toString("base64url"))).toThrow();
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => holder.check(PATH, text)).toThrow();
    }),
  );
});
