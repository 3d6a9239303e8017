import fc from "fast-check";
import { expect, test } from "vitest";
import {
  Box,
  type ClientInfo,
  DerpProtocolError,
  decodeClientInfo,
  decodeServerInfo,
  decodeServerKey,
  encodeClientInfo,
  encodeServerInfo,
  encodeServerKey,
  generateKeyPair,
  keyPairOf,
} from "./index.ts";

const payload = (frame: Buffer) => frame.subarray(5);
const hex = (text: string) => Buffer.from(text, "hex");

test("opens the box of NaCl's published example", () => {
  const alice = keyPairOf(hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const bobsKey = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const sealed = hex(
    "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba" +
      "32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738" +
      "b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622" +
      "a43d14a6599b1f654cb45a74e355a5",
  );
  expect(alice.publicKey.toString("hex")).toBe(
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
  );
  expect(new Box(alice.privateKey, bobsKey).open(sealed).toString("hex")).toBe(
    "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01" +
      "233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd" +
      "4924ca1c60902e52f0a089bc76897040e082f937763848645e0705",
  );
});

test("what a client says arrives, whoever it is", () => {
  const server = generateKeyPair();
  fc.assert(
    fc.property(
      fc.record({
        version: fc.nat(9),
        canAckPings: fc.boolean(),
        isProber: fc.boolean(),
      }),
      fc.record({ appName: fc.string(), berthTicket: fc.string() }, { requiredKeys: [] }),
      (flags, texts) => {
        const client = generateKeyPair();
        const said: ClientInfo = { ...flags, ...texts };
        const heard = decodeClientInfo(server, payload(encodeClientInfo(client, server.publicKey, said)));
        expect(heard.said).toEqual(said);
        expect(heard.clientKey).toEqual(client.publicKey);
        const answer = decodeServerInfo(client, server.publicKey, payload(encodeServerInfo(heard.box)));
        expect(answer).toEqual({ version: 2 });
      },
    ),
    { numRuns: 30 },
  );
});

function clientInfoOf(json: string): ClientInfo {
  const [server, client] = [generateKeyPair(), generateKeyPair()];
  const sealed = new Box(client.privateKey, server.publicKey).seal(Buffer.from(json));
  return decodeClientInfo(server, Buffer.concat([client.publicKey, sealed])).said;
}

const meshKey = "6d529e9d4ef632d22d4a4214cb49da8f1ba1b72697061fb24e312984c35ec8d8";

test.each([
  ["nothing", "{}", { version: 0, canAckPings: false, isProber: false }],
  ["Go's capitals", `{"Version":2,"CANACKPINGS":true}`, { version: 2, canAckPings: true, isProber: false }],
  ["unknown fields", `{"version":2,"x":[1]}`, { version: 2, canAckPings: false, isProber: false }],
  ["a mesh key", `{"MeshKey":"${meshKey}"}`, { version: 0, canAckPings: false, isProber: false, meshKey }],
  ["null", `{"AppName":null}`, { version: 0, canAckPings: false, isProber: false }],
])("ClientInfo with %s is understood", (_what, json, said) => {
  expect(clientInfoOf(json)).toEqual(said);
});

test.each([
  ["a short mesh key", `{"meshKey":"abc"}`],
  ["a mesh key of other letters", `{"meshKey":"${"z".repeat(64)}"}`],
  ["a version in words", `{"version":"two"}`],
  ["an array", "[]"],
  ["no JSON", "{"],
])("ClientInfo with %s is refused", (_what, json) => {
  expect(() => clientInfoOf(json)).toThrow(DerpProtocolError);
});

test("random bytes as ClientInfo never throw anything but the protocol error", () => {
  const server = generateKeyPair();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 56, maxLength: 200 }), (bytes) => {
      expect(() => decodeClientInfo(server, Buffer.from(bytes))).toThrow(DerpProtocolError);
    }),
  );
});

test("an all-zero key and a key of low order are refused", () => {
  const server = generateKeyPair();
  for (const key of [Buffer.alloc(32), Buffer.concat([Buffer.of(1), Buffer.alloc(31)])])
    expect(() => decodeClientInfo(server, Buffer.concat([key, Buffer.alloc(60)]))).toThrow(DerpProtocolError);
});

test("a box sealed for another key does not open", () => {
  const [client, server, other] = [generateKeyPair(), generateKeyPair(), generateKeyPair()];
  const frame = encodeClientInfo(client, other.publicKey, {});
  expect(() => decodeClientInfo(server, payload(frame))).toThrow("does not open");
});

test("ServerKey is read with and without a tail, and only after the magic", () => {
  const { publicKey } = generateKeyPair();
  const said = payload(encodeServerKey(publicKey));
  expect(decodeServerKey(said)).toEqual(publicKey);
  expect(decodeServerKey(Buffer.concat([said, Buffer.alloc(9)]))).toEqual(publicKey);
  expect(() => decodeServerKey(Buffer.concat([Buffer.alloc(8), publicKey]))).toThrow(DerpProtocolError);
});

test("private keys are clamped, and a stored one gives the same pair again", () => {
  const pair = generateKeyPair();
  expect((pair.privateKey[0] ?? 0) & 7).toBe(0);
  expect((pair.privateKey[31] ?? 0) & 192).toBe(64);
  expect(keyPairOf(pair.privateKey)).toEqual(pair);
});
