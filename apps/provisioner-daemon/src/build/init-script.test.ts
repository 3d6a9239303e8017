import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { initScriptOf } from "./init-script.ts";

test("the init script starts the program with its words as they are, and the URL of the deployment or the caller's", () => {
  const script = initScriptOf(["/bin/echo", "it's", "a $HOME"], "http://berth.example.com");
  expect(execFileSync("/bin/sh", ["-c", script], { env: {} }).toString()).toBe("it's a $HOME\n");
  const print = initScriptOf(["/usr/bin/env"], "http://berth.example.com");
  const urlWith = (env: Record<string, string>) =>
    /CODER_AGENT_URL=(.*)/.exec(execFileSync("/bin/sh", ["-c", print], { env }).toString())?.[1];
  expect(urlWith({})).toBe("http://berth.example.com");
  expect(urlWith({ CODER_AGENT_URL: "http://other" })).toBe("http://other");
});
