import { readFileSync } from "node:fs";
import { codeOf, messageOf } from "@berth/std";
import { generateKeyPair, RelayConnection } from "../src/index.ts";
import { TestRegion } from "./test-relay.ts";

// Run by tls.test.ts: a relay with TLS, and a client that sends a packet to itself and says what came back, or why nothing did.

const [, , cert = "", key = ""] = process.argv;
await using region = new TestRegion({ cert: readFileSync(cert), key: readFileSync(key) });
const node = await region.startNode();
await using relay = new RelayConnection({
  identity: generateKeyPair(),
  relays: () => [node.address],
  ticket: () => undefined,
});
const heard = Promise.withResolvers<string>();
const packet = Buffer.concat([Buffer.of(1, 3), Buffer.from("12345678"), Buffer.from("echo")]);
relay.switchboard.register(Buffer.from("12345678"), (bytes) => heard.resolve(bytes.toString("utf8", 10)));
relay.listen({
  up: () => relay.send(relay.identity.publicKey, packet),
  failed: (error) => heard.resolve(`${codeOf(error)} ${messageOf(error)}`),
});
process.stdout.write(await heard.promise);
