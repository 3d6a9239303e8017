import { createClient, routes, type HttpClient, type Route } from "@berth/http-api";
import { Value } from "typebox/value";
import { expect } from "vitest";

export const PASSWORD = "correct horse";

/** Logs in and answers a client that checks every answer against its declared schema. */
export async function logIn(url: string, email: string): Promise<HttpClient & { readonly token: string }> {
  const { session_token: token } = await checked(url).call(routes.logIn, {
    body: { email, password: PASSWORD },
  });
  return { ...checked(url, token), token };
}

/** The first user, logged in. */
export async function firstUser(url: string) {
  await checked(url).call(routes.createFirstUser, {
    body: { email: "ada@example.com", username: "ada", password: PASSWORD },
  });
  return logIn(url, "ada@example.com");
}

type RoleName = "owner" | "user-admin" | "template-admin" | "auditor" | "member";

/** A further user, logged in. */
export async function addUser(owner: HttpClient, username: string, roles: RoleName[] = []) {
  const email = `${username}@example.com`;
  await owner.call(routes.createUser, { body: { email, username, password: PASSWORD, roles } });
  return logIn(owner.url, email);
}

/** A client whose answers must be what their routes declare: no field missing, of another type, or undeclared. */
export function checked(url: string, token?: string): HttpClient {
  const client = createClient({ url, patienceMs: 0, ...(token === undefined ? {} : { token }) });
  return {
    ...client,
    async call(route, input, options) {
      const answer = await client.call(route, input, options);
      expectDeclared(route, answer);
      return answer;
    },
  };
}

/** Every route whose answer was checked in this file. */
export const checkedRoutes = new Set<string>();

function expectDeclared(route: Route, answer: unknown): void {
  checkedRoutes.add(route.id);
  if (route.response === undefined) return;
  expect(Value.Errors(route.response, answer), route.id).toEqual([]);
  expect(answer, `${route.id} answers fields that it does not declare`).toEqual(
    Value.Clean(route.response, structuredClone(answer)),
  );
}

/** What failed: the answer's status and body. */
export async function refusal(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "it did not fail",
    (error: unknown) => error,
  );
}
