import fc from "fast-check";
import { expect, test } from "vitest";
import { readBlocks, readLiteral, writeLiteral } from "./hcl.ts";

test("variables are found among comments, heredocs, interpolations and nested blocks", () => {
  const blocks = readBlocks(`
# variable "no" {}
/* variable "neither" { */
locals { a = "\${"}"} // not a comment" }
variable "region" {
  description = "Where, e.g. \\"eu\\""
  type        = string
  default     = "eu" # a comment
  validation {
    condition     = contains(["eu"], var.region)
    error_message = "no"
  }
}
variable "sizes" {
  type = object({
    cpu = number
  })
  default = {
    cpu = 2
  }
}
variable token {
  sensitive = true
  description = <<-EOT
    two
      lines
  EOT
}
output "x" { value = 1 }
`);
  const variables = blocks.filter(({ type }) => type === "variable");
  expect(variables.map(({ labels }) => labels)).toEqual([["region"], ["sizes"], ["token"]]);
  expect(readLiteral(variables[0]?.attributes.get("description") ?? "")).toBe('Where, e.g. "eu"');
  expect([...(variables[0]?.attributes.keys() ?? [])]).toEqual(["description", "type", "default"]);
  expect(variables[1]?.attributes.get("default")).toBe("{\n    cpu = 2\n  }");
  expect(readLiteral(variables[2]?.attributes.get("description") ?? "")).toBe("two\n  lines");
});

test("a text survives being written as a literal and read again", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => readLiteral(writeLiteral(text)) === text));
  expect(writeLiteral("${a} %{b} $c")).toBe('"$${a} %%{b} $c"');
});

test("any text reads as some blocks, and never fails", () => {
  const pieces = fc.constantFrom(
    '"',
    "${",
    "}",
    "{",
    "<<E\n",
    "variable",
    " x ",
    "=",
    "\n",
    "#",
    "/*",
    "\\",
    "[",
  );
  fc.assert(fc.property(fc.array(pieces), (text) => Array.isArray(readBlocks(text.join("")))));
});
