import { expect, test } from "vitest";
import { readRelayMap } from "./relay-map.ts";

const planeUrl = "https://berth.example.com:8443/somewhere";

test("the embedded relay is first, at the URL by which the plane is reached", () => {
  const map = {
    Regions: {
      7: {
        RegionID: 7,
        RegionName: "Far",
        Nodes: [{ HostName: "relay.far", DERPPort: 3340, ForceHTTP: true }],
      },
      999: { EmbeddedRelay: true, RegionID: 999, RegionName: "Here", Nodes: [{ HostName: "10.0.0.1" }] },
    },
  };
  expect(readRelayMap(JSON.stringify(map), { planeUrl })).toEqual([
    { url: "https://berth.example.com:8443", regionId: 999, regionName: "Here" },
    { url: "http://relay.far:3340", regionId: 7, regionName: "Far" },
  ]);
});

test("nodes that only answer STUN are no relays, and an empty map has none", () => {
  const map = {
    Regions: { 1: { RegionID: 1, Nodes: [{ HostName: "stun.example", STUNOnly: true }] }, 2: null },
  };
  expect(readRelayMap(JSON.stringify(map), { planeUrl })).toEqual([]);
  expect(readRelayMap("{}", { planeUrl })).toEqual([]);
});

test("where only WebSockets pass, every relay is told so", () => {
  const map = { Regions: { 1: { RegionID: 1, RegionName: "One", Nodes: [{ HostName: "2001:db8::1" }] } } };
  expect(readRelayMap(JSON.stringify(map), { planeUrl, forceWebSocket: true })).toEqual([
    { url: "https://[2001:db8::1]", regionId: 1, regionName: "One", forceWebSocket: true },
  ]);
});
