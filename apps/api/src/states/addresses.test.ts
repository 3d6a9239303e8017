import { expect, test } from "vitest";
import { addressesInState } from "./addresses.ts";

const state = (resources: unknown) => Buffer.from(JSON.stringify({ version: 4, resources }));

test("managed resources are named as Terraform names them", () => {
  const found = addressesInState(
    state([
      { mode: "managed", type: "docker_volume", name: "home", instances: [{}] },
      { mode: "managed", type: "disk", name: "d", instances: [{ index_key: 0 }, { index_key: "b" }] },
      { mode: "managed", module: "module.net", type: "vpc", name: "main", instances: [{}] },
      { mode: "data", type: "coder_workspace", name: "me", instances: [{}] },
    ]),
  );
  expect([...found]).toEqual(["docker_volume.home", "disk.d[0]", 'disk.d["b"]', "module.net.vpc.main"]);
});

test("what is no state names nothing", () => {
  expect(addressesInState(undefined).size).toBe(0);
  expect(addressesInState(Buffer.from("{torn")).size).toBe(0);
  expect(addressesInState(state("none")).size).toBe(0);
});
