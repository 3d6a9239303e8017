import { ApiError } from "@berth/http-api";
import { expect, test } from "vitest";
import { showError } from "./show-error.ts";

test("each wrong field is said once, also when the detail says it too", () => {
  const validations = [
    { field: "email", detail: "It is no e-mail address." },
    { field: "name", detail: "It is too long." },
  ];
  const detail = "email: It is no e-mail address.; name: It is too long.";
  expect(showError(new ApiError(400, { message: "Validation failed.", detail, validations }), false)).toBe(
    "error: Validation failed.\n  email: It is no e-mail address.\n  name: It is too long.",
  );
});

test("a detail of its own stands above the fields", () => {
  const validations = [{ field: "q", detail: "unknown" }];
  const error = new ApiError(400, { message: "No.", detail: "Known are a and b.", validations });
  expect(showError(error, false)).toBe("error: No.\n  Known are a and b.\n  q: unknown");
});
