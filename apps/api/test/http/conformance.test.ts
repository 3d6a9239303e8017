import { Response, SshConfig, WorkspaceBuildParameter } from "@berth/http-api";
import { Type } from "typebox";
import { expect, test } from "vitest";
import { faultsOf } from "./conformance.ts";

test("an answer is found out that lacks a field, has another type, or says what nobody declared", () => {
  const whole = { hostname_prefix: "coder.", hostname_suffix: "coder", ssh_config_options: {} };
  expect(faultsOf(SshConfig, whole)).toEqual([]);
  const { hostname_suffix: _, ...less } = whole;
  expect(faultsOf(SshConfig, less)).toHaveLength(1);
  expect(faultsOf(SshConfig, { ...whole, ssh_config_options: null })).toHaveLength(1);
  expect(faultsOf(SshConfig, { ...whole, more: 1 })).toHaveLength(1);
  expect(faultsOf(Type.Array(WorkspaceBuildParameter), [{ name: "a", value: "b", more: 1 }])).toHaveLength(1);
  expect(faultsOf(Response, { message: "no", statusCode: 400 })).toHaveLength(1);
  expect(faultsOf(SshConfig, whole, "text/html")).toHaveLength(1);
});
