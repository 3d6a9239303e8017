import { expect, test } from "vitest";
import { labelOfAddress, nearestDependent, readGraph } from "./graph.ts";

const dot = `digraph {
    "[root] docker_container.dev (expand)" -> "[root] local.env (expand)"
    "[root] local.env (expand)" -> "[root] coder_agent.main (expand)"
    "[root] null_resource.far (expand)" -> "[root] docker_container.dev (expand)"
    "[root] module.m.docker_image.a (expand)" -> "[root] docker_container.dev (expand)"
    "[root] provider[\\"registry.terraform.io/coder/coder\\"] (close)" -> "[root] coder_agent.main (expand)"
  }`;

test("the nearest resource that reads an agent is found through locals", () => {
  const resources = new Set(["docker_container.dev", "null_resource.far", "module.m.docker_image.a"]);
  expect(nearestDependent(readGraph(dot), "coder_agent.main", (label) => resources.has(label))).toBe(
    "docker_container.dev",
  );
});

test("of several equally near the first by name is taken, and none where none reads it", () => {
  const dependents = readGraph(dot);
  const farther = new Set(["null_resource.far", "module.m.docker_image.a"]);
  expect(nearestDependent(dependents, "coder_agent.main", (label) => farther.has(label))).toBe(
    "module.m.docker_image.a",
  );
  expect(nearestDependent(dependents, "coder_agent.other", () => true)).toBeUndefined();
});

test("labels have no instance keys", () => {
  expect(labelOfAddress('module.m["a.b"].docker_container.dev[0]')).toBe("module.m.docker_container.dev");
});
