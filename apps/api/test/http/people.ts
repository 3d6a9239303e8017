import { createClient, routes, type HttpClient } from "@berth/http-api";

export const PASSWORD = "correct horse";

/** A client that has logged in. */
export async function logIn(url: string, email: string): Promise<HttpClient & { readonly token: string }> {
  const { session_token: token } = await clientOf(url).call(routes.logIn, {
    body: { email, password: PASSWORD },
  });
  return { ...clientOf(url, token), token };
}

/** The first user, logged in. */
export async function firstUser(url: string) {
  await clientOf(url).call(routes.createFirstUser, {
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

/** A client that asks once; an owner's is spared the limits, as tests upload more in a minute than people. */
export const clientOf = (url: string, token?: string): HttpClient =>
  createClient({
    url,
    patienceMs: 0,
    headers: { "x-coder-bypass-ratelimit": "true" },
    ...(token === undefined ? {} : { token }),
  });

/** What failed: the answer's status and body. */
export async function refusal(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "it did not fail",
    (error: unknown) => error,
  );
}
