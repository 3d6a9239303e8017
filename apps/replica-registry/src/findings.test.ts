import { expect, test } from "vitest";
import { findingsOf } from "./findings.ts";
import type { ReplicaRow } from "./store.ts";

const replica = (change: Partial<ReplicaRow>): ReplicaRow => ({
  id: "a",
  hostname: "host-a",
  services: ["api"],
  regionId: 999,
  version: "v1",
  relayUrl: "",
  accessUrl: "https://berth.example.com",
  pingAddress: "",
  listenPort: 3000,
  poolSize: 30,
  state: "ready",
  error: "",
  postgresRoundTripMs: null,
  startedAt: new Date(0),
  joinedAt: new Date(0),
  ownerId: "r",
  joinSequence: 1n,
  revision: 1n,
  ...change,
});
const other = (change: Partial<ReplicaRow> = {}) => replica({ id: "b", hostname: "host-b", ...change });
const codes = (one: ReplicaRow, live: readonly ReplicaRow[], limit = 97) =>
  findingsOf(one, live, limit).map(({ code, refused }) => (refused ? `${code} refused` : code));

test("replicas that fit give no findings", () => {
  expect(codes(replica({}), [other()])).toEqual([]);
});

test("a process that cannot fit by itself is refused, and told by which variable", () => {
  const [finding] = findingsOf(replica({ poolSize: 200 }), [], 97);
  expect(finding).toMatchObject({ code: "EPOOL01", refused: true });
  expect(finding?.message).toContain("CODER_MAX_DB_CONNECTIONS is 200");
});

test("pools that add up to more than Postgres gives are listed by who holds what", () => {
  const [finding] = findingsOf(replica({ poolSize: 60 }), [other({ poolSize: 60 })], 97);
  expect(finding).toMatchObject({ code: "EPOOL02", refused: false });
  expect(finding?.message).toContain("host-a (api): 60; host-b (api): 60");
});

test("a replica that joins again is not counted twice", () => {
  expect(codes(replica({ poolSize: 60 }), [replica({ poolSize: 60 })])).toEqual([]);
});

test("different versions and different access URLs are named", () => {
  expect(codes(replica({ version: "v2", accessUrl: "https://other.example.com" }), [other()])).toEqual([
    "EREP04",
    "EREP06",
  ]);
});

test("an access URL of this machine alone beside a relay URL that others reach is named", () => {
  expect(
    codes(replica({ accessUrl: "http://127.0.0.1:3000", relayUrl: "http://10.0.0.1:3000" }), []),
  ).toEqual(["EREP06"]);
});
