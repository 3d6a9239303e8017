import fc from "fast-check";
import { expect, test } from "vitest";
import {
  cutSection,
  joinSection,
  mergeOptions,
  readOptions,
  type SectionOptions,
  writeSection,
} from "./section.ts";

const HOSTS = [{ pattern: "coder.*", lines: ["ProxyCommand berth ssh --stdio %h"] }];
const plain: SectionOptions = { sshOptions: [], headers: [] };

test("text around the section stays as it was, whatever it is", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      fc.pre(!(before + after).includes("-CODER-"));
      const once = joinSection(cutSection(`${before}\n`), writeSection(plain, HOSTS)) + after;
      const twice = joinSection(cutSection(once), writeSection(plain, HOSTS));
      expect(twice).toBe(once);
      expect(twice.startsWith(`${before}\n`)).toBe(true);
      expect(twice.endsWith(after)).toBe(true);
    }),
  );
});

test("a file with Windows' line ends has one section still", () => {
  const file = `Host x\n${writeSection(plain, HOSTS)}\n`.replaceAll("\n", "\r\n");
  expect(joinSection(cutSection(file), "again")).toBe("Host x\r\nagain\r\n");
});

test("options kept in a section are read back", () => {
  const options: SectionOptions = {
    wait: "no",
    sshHostPrefix: "coder.",
    hostnameSuffix: "coder",
    disableAutostart: true,
    sshOptions: ["ForwardAgent yes", "LogLevel DEBUG"],
    headers: ["X-Team=a"],
    headerCommand: "print-headers",
  };
  expect(readOptions(writeSection(options, HOSTS))).toEqual(options);
});

test("two sections, or a broken one, are refused", () => {
  const section = writeSection(plain, HOSTS);
  expect(() => cutSection(`${section}\n${section}\n`)).toThrow("more than one section");
  expect(() => cutSection(section.replace("# ------------END-CODER------------", ""))).toThrow(
    "without its other half",
  );
});

test("later options win, an empty value takes one out, SetEnv adds up", () => {
  expect(
    mergeOptions(
      ["ConnectTimeout 0", "LogLevel ERROR", "SetEnv A=1"],
      ["loglevel=DEBUG", "ConnectTimeout", "SetEnv B=2"],
    ),
  ).toEqual(["LogLevel DEBUG", "SetEnv A=1 B=2"]);
});
