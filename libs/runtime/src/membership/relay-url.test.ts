import { expect, test } from "vitest";
import type { MembershipConfig } from "./config.ts";
import { announcedRelay, checkRelayUrl } from "./relay-url.ts";

const here = { port: 3000, services: ["replica-registry", "relay-mesh", "api"] };
const config = (relayUrl: string | undefined, change: Partial<MembershipConfig> = {}): MembershipConfig => ({
  accessUrl: new URL("https://berth.example.com"),
  relayUrl,
  regionId: 999,
  relayEnabled: true,
  relayMapUrl: undefined,
  relayMapPath: undefined,
  registryUrls: [],
  ...change,
});

test("a relay URL is announced as written", () => {
  expect(announcedRelay(config("http://10.0.0.1:3000/"), here)).toEqual({
    url: "http://10.0.0.1:3000",
    notes: [],
    warnings: [],
  });
});

test("without a port it takes the listener's, and says so", () => {
  const { url, notes } = announcedRelay(config("http://10.0.0.1"), here);
  expect(url).toBe("http://10.0.0.1:3000");
  expect(notes).toEqual([expect.stringContaining("has no port")]);
});

test("a written port 80 is not taken for none", () => {
  const { url, warnings } = announcedRelay(config("http://10.0.0.1:80"), here);
  expect(url).toBe("http://10.0.0.1");
  expect(warnings).toEqual([expect.stringContaining("listens on port 3000")]);
});

test.each(["https://berth.example.com", "https://berth.example.com:443/", "https://BERTH.example.com"])(
  "the access URL written as %s is refused, by variable, value and mend",
  (relayUrl) => {
    expect(() => checkRelayUrl(config(relayUrl))).toThrow(
      /CODER_DERP_SERVER_RELAY_URL is ".*": it equals CODER_ACCESS_URL.* Set it to this replica's own address/,
    );
  },
);

test("what is no URL is refused", () => {
  expect(() => checkRelayUrl(config("10.0.0.1:3000"))).toThrow(/expected a URL/);
});

test("it is ignored, once said, where no relay runs or relays of one's own are set", () => {
  const api = { port: 3000, services: ["api"] };
  expect(announcedRelay(config("http://10.0.0.1:3000"), api)).toMatchObject({
    url: "",
    notes: [expect.any(String)],
  });
  expect(
    announcedRelay(config("http://10.0.0.1:3000", { relayMapUrl: "https://relays.example.com" }), here),
  ).toMatchObject({ url: "", notes: [expect.any(String)] });
});
