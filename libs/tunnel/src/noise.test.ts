import { createCipheriv, createPrivateKey, createPublicKey } from "node:crypto";
import { expect, test } from "vitest";
import { generateKeyPair } from "@berth/derp";
import { nextKey, NoiseInitiator, openNoise } from "./noise.ts";
import type { KeyPair } from "./types.ts";

const bytes = (hex: string) => Buffer.from(hex, "hex");

function pairOf(privateHex: string): KeyPair {
  const privateKey = bytes(privateHex);
  // PKCS#8 of an X25519 key is this prefix and the raw key (RFC 8410).
  const der = Buffer.concat([bytes("302e020100300506032b656e04220420"), privateKey]);
  const key = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  return { privateKey, publicKey: Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url") };
}

// The public cacophony vector for Noise_IK_25519_AESGCM_SHA256.
const vector = {
  prologue: Buffer.from("John Galt"),
  initiator: pairOf("e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1"),
  initiatorEphemeral: pairOf("893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"),
  responder: pairOf("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"),
  responderEphemeral: pairOf("bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"),
  hash: "669c8640d9e42a3cda2f232f78597ceefb01daa6e3df81181ccce6fc6b5026bf",
  message1:
    "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944" +
    "4e417bc55c7a8166c993356c1be41ef67818a292426f301556c7f26b21d25ddb" +
    "097153891a9a956cff47b83e63ad8d701c1342c209cff1ca5ecd43402762ac24" +
    "9e3bd3a4c0a145fe07cb5dae28ea13a3",
  message2:
    "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843" +
    "af2ccf9972e22afc67aeafcd25162f7f98c363b7762e3e4cb7d272e39f27a5",
  transport: [
    ["462e20412e20486179656b", "66acfc92e3197de166809e6d4d5d003dcc819a84bc3522ca53c9d9"],
    ["4361726c204d656e676572", "71f89aa6533a6de70b0826864dd75f60806ee40170c16290189eb3"],
    [
      "4a65616e2d426170746973746520536179",
      "4795a3423550c8bf00386bd496a3e2c76c10669d2a75ab8f79b5094c5412a25705",
    ],
    [
      "457567656e2042f6686d20766f6e2042617765726b",
      "aa0bb39097555c918e40be82abc2b909eb79d9eb87adb07e268fc37323a6cf904fd01fb391",
    ],
  ],
};

function sealTransport(key: Buffer, count: number, plain: Buffer): string {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(count, 8);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString("hex");
}

test("the handshake and its keys agree with the public test vector byte for byte", () => {
  const { prologue, initiator, responder } = vector;
  const start = new NoiseInitiator(initiator, responder.publicKey, prologue, vector.initiatorEphemeral);
  const message1 = start.start(Buffer.from("Ludwig von Mises"));
  expect(message1.toString("hex")).toBe(vector.message1);
  const opening = openNoise(responder, message1, prologue);
  expect(opening.payload.toString()).toBe("Ludwig von Mises");
  expect(opening.peerKey).toEqual(initiator.publicKey);
  const answer = opening.answer(Buffer.from("Murray Rothbard"), vector.responderEphemeral);
  expect(answer.message.toString("hex")).toBe(vector.message2);
  const finished = start.finish(answer.message);
  expect(finished.payload.toString()).toBe("Murray Rothbard");
  expect(finished.keys.handshakeHash.toString("hex")).toBe(vector.hash);
  expect(finished.keys.send).toEqual(answer.keys.receive);
  expect(finished.keys.receive).toEqual(answer.keys.send);
  vector.transport.forEach(([plain = "", sealed], at) => {
    const key = at % 2 === 0 ? finished.keys.send : finished.keys.receive;
    expect(sealTransport(key, Math.floor(at / 2), bytes(plain))).toBe(sealed);
  });
});

test("a changed byte, another prologue or another key opens nothing", () => {
  const us = generateKeyPair();
  const them = generateKeyPair();
  const prologue = Buffer.from("p");
  const message = new NoiseInitiator(us, them.publicKey, prologue).start(Buffer.from("ticket"));
  expect(() => openNoise(generateKeyPair(), message, prologue)).toThrow("not sealed for this key");
  expect(() => openNoise(them, message, Buffer.from("q"))).toThrow();
  expect(() => openNoise(them, message.subarray(0, 20), prologue)).toThrow("too short");
  for (let at = 0; at < message.length; at++) {
    const changed = Buffer.from(message);
    changed[at]! ^= 1;
    expect(() => openNoise(them, changed, prologue)).toThrow();
  }
});

test("a forged answer does not spoil the handshake for the genuine one", () => {
  const us = generateKeyPair();
  const them = generateKeyPair();
  const start = new NoiseInitiator(us, them.publicKey, Buffer.alloc(0));
  const opening = openNoise(them, start.start(Buffer.alloc(0)), Buffer.alloc(0));
  const { message } = opening.answer(Buffer.from("yes"));
  expect(() => start.finish(Buffer.concat([generateKeyPair().publicKey, message.subarray(32)]))).toThrow();
  expect(start.finish(message).payload.toString()).toBe("yes");
});

test("a key of small order is refused", () => {
  const them = generateKeyPair();
  const start = new NoiseInitiator(generateKeyPair(), Buffer.alloc(32), Buffer.alloc(0));
  expect(() => start.start(Buffer.alloc(0))).toThrow("unusable");
  expect(() => openNoise(them, Buffer.alloc(96), Buffer.alloc(0))).toThrow("unusable");
});

test("the next key is another key, and the same at both ends", () => {
  const key = Buffer.alloc(32, 7);
  expect(nextKey(key)).toHaveLength(32);
  expect(nextKey(key)).toEqual(nextKey(Buffer.from(key)));
  expect(nextKey(key)).not.toEqual(key);
});
