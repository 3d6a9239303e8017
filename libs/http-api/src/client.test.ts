import { expect, test } from "vitest";
import { ApiError, createClient, routes } from "./index.ts";

const answering = (status: number, body: unknown, seen: Request[] = []): typeof fetch =>
  ((input: URL, init: RequestInit) => {
    seen.push(new Request(input, init));
    return Promise.resolve(
      new Response(typeof body === "string" ? body : JSON.stringify(body), {
        status,
        headers: { "content-type": typeof body === "string" ? "text/html" : "application/json" },
      }),
    );
  }) as typeof fetch;

test("a call fills in the path, the query, the token and the caller's headers", async () => {
  const seen: Request[] = [];
  const client = createClient({
    url: "http://plane:3000/",
    token: "id-secret",
    headers: { "User-Agent": "berth-cli" },
    fetch: answering(200, { users: [], count: 0 }, seen),
  });
  const page = await client.call(routes.listUsers, { query: { q: "role:owner x", limit: 5 } });
  expect(page.count).toBe(0);
  expect(seen[0]?.url).toBe("http://plane:3000/api/v2/users?q=role%3Aowner+x&limit=5");
  expect(seen[0]?.headers.get("coder-session-token")).toBe("id-secret");
  expect(seen[0]?.headers.get("user-agent")).toBe("berth-cli");
});

test("an answer that is no success becomes an ApiError with what it said", async () => {
  const body = { message: "Name taken.", validations: [{ field: "name", detail: "taken" }] };
  const client = createClient({ url: "http://plane", fetch: answering(409, body) });
  const failed = client.call(routes.createUser, { body: { email: "a@b.c", username: "a" } });
  const error: unknown = await failed.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 409, code: "already_exists", ...body });
});

test("a page in place of JSON is said to come from no Berth", async () => {
  const client = createClient({ url: "http://elsewhere", fetch: answering(200, "<html>") });
  await expect(client.call(routes.getBuildInfo, {})).rejects.toThrow(/elsewhere answered 200 without/);
});

test("a question is asked again while a balancer finds nobody, a change is not", async () => {
  let asked = 0;
  const flaky = (() => {
    asked += 1;
    return Promise.resolve(
      asked < 3 ? new Response("away", { status: 503 }) : new Response(JSON.stringify([]), { status: 200 }),
    );
  }) as typeof fetch;
  const client = createClient({ url: "http://plane", fetch: flaky });
  expect(await client.call(routes.listOrganizations, {})).toEqual([]);
  expect(asked).toBe(3);
  asked = 0;
  await expect(client.call(routes.logOut, {})).rejects.toMatchObject({ status: 503, code: "unavailable" });
  expect(asked).toBe(1);
});

test.each([
  ["ECONNREFUSED", "", "ECONNREFUSED"], // of a name with several addresses
  ["ENOTFOUND", "getaddrinfo ENOTFOUND plane", "getaddrinfo ENOTFOUND plane"],
  ["UND_ERR_SOCKET", "other side closed", "UND_ERR_SOCKET other side closed"],
])("nobody there is said with the address and the reason, once: %s %s", async (code, reason, said) => {
  const cause = Object.assign(new Error(reason), { code });
  const refused = (() => Promise.reject(new TypeError("fetch failed", { cause }))) as typeof fetch;
  const client = createClient({ url: "http://plane:1", fetch: refused, patienceMs: 0 });
  await expect(client.call(routes.getBuildInfo, {})).rejects.toMatchObject({
    code: "unavailable",
    message: `GET http://plane:1: ${said}: does the deployment run there?`,
  });
});

test("bytes go and come as they are", async () => {
  const seen: Request[] = [];
  const up = createClient({ url: "http://plane", fetch: answering(201, { hash: "x" }, seen) });
  await up.call(routes.uploadFile, { body: new Uint8Array([0, 255]), contentType: "application/x-tar" });
  expect(seen[0]?.headers.get("content-type")).toBe("application/x-tar");
  expect(new Uint8Array((await seen[0]?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(
    new Uint8Array([0, 255]),
  );
  const down = createClient({ url: "http://plane", fetch: answering(200, "bytes") });
  const file = { params: { file: "7f1c0d4e-8a52-4f6e-9b1e-0d2f1c3b4a59" } };
  expect(Buffer.from(await down.call(routes.downloadFile, file)).toString()).toBe("bytes");
});

test("a call that is given up, or takes too long, is not tried again", async () => {
  let asked = 0;
  const silent = ((_: URL, { signal }: RequestInit) => {
    asked += 1;
    return new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason as Error));
    });
  }) as typeof fetch;
  const client = createClient({ url: "http://plane", fetch: silent, timeoutMs: 20 });
  await expect(client.call(routes.getBuildInfo, {})).rejects.toMatchObject({ code: "unavailable" });
  const given = new AbortController();
  const call = client.call(routes.getBuildInfo, {}, { signal: given.signal });
  given.abort();
  await expect(call).rejects.toMatchObject({ code: "unavailable" });
  expect(asked).toBe(2);
});
