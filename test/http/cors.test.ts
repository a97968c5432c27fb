/** Pages of other origins: those that are allowed by name use the API with a token in a header, and nobody else gets anything. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../support/service/stack.ts";

const LISTED = "https://app.example.com";
const DEV = "http://localhost:5173";
let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({ allowedOrigins: [LISTED, DEV] });
});
afterAll(() => stack.close());

const corsOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-")));
const PATHS = ["/ok", "/auth/code", "/auth/session", "/activity", "/threads", "/threads/x/runs/stream", "/nothing"];
const preflight = (path: string, Origin: string) =>
  stack.request("OPTIONS", path, {
    headers: { Origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization" },
  });

describe("a preflight", () => {
  it.each(PATHS)("of %s is answered alike: for a listed origin with leave, for others without", async (path) => {
    for (const origin of [LISTED, DEV]) {
      const answer = await preflight(path, origin);
      expect([answer.status, answer.headers.get("Vary")]).toEqual([204, expect.stringContaining("Origin")]);
      expect(corsOf(answer)).toEqual({
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers": expect.stringMatching(/Authorization.*x-api-key.*Last-Event-ID.*Prefer/),
        "access-control-max-age": "7200",
      });
    }
    for (const origin of [
      ...["https://evil.example", "null", "https://app.example.com.evil.example", "https://xapp.example.com"],
      ...[
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://APP.example.com",
        "http://localhost:51730",
      ],
      ...["https://app.example.com/", "https://app.example.com https://evil.example", "*"],
    ]) {
      const answer = await preflight(path, origin);
      expect([origin, answer.status, corsOf(answer)]).toEqual([origin, 403, {}]);
    }
  });
});

describe("a page of a listed origin", () => {
  const from = (Origin: string, more: Record<string, string> = {}) => ({
    headers: { Origin, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", ...more },
  });

  it("logs in, gets its token in the body and no cookie, and uses it in a header", async () => {
    const email = "cors@example.com";
    const asked = await stack.request("POST", "/auth/code", { ...from(LISTED), body: { email } });
    expect(asked.status).toBe(202);
    const { challenge } = (await asked.json()) as { challenge: string };
    const [mail] = (await (await fetch(`${stack.url}/dev/mail.json`)).json()) as { code: string }[];
    const verified = await stack.request("POST", "/auth/verify", {
      ...from(LISTED),
      body: { challenge, code: mail?.code },
    });
    expect([verified.status, verified.headers.getSetCookie()]).toEqual([200, []]);
    const { token } = (await verified.json()) as { token: string };

    for (const header of [{ Authorization: `Bearer ${token}` }, { "x-api-key": token }]) {
      const made = await stack.request("POST", "/threads", { ...from(LISTED, header as never), body: {} });
      expect([made.status, made.headers.get("Access-Control-Allow-Origin")]).toEqual([200, LISTED]);
      expect(made.headers.get("Access-Control-Expose-Headers")).toMatch(/Content-Location.*X-Session-Expires-At/);
      expect(made.headers.get("Access-Control-Allow-Credentials")).toBe(null);
    }
    const out = await stack.request("POST", "/auth/logout", from(LISTED, { Authorization: `Bearer ${token}` }));
    expect([out.status, out.headers.getSetCookie()]).toEqual([204, []]);
    expect((await stack.request("GET", "/auth/session", { token })).status).toBe(401);
  });

  it("reads what goes wrong too", async () => {
    for (const [path, status] of [
      ["/threads/x", 401],
      ["/nothing", 404],
    ] as const) {
      const answer = await stack.request("GET", path, from(LISTED));
      expect([answer.status, answer.headers.get("Access-Control-Allow-Origin")]).toEqual([status, LISTED]);
    }
  });

  it("is refused with the session cookie, also where it only reads", async () => {
    const token = await stack.logIn("cors-cookie@example.com");
    for (const [method, path] of [
      ["GET", "/auth/session"],
      ["POST", "/auth/logout"],
      ["POST", "/threads"],
    ] as const) {
      const answer = await stack.request(method, path, from(LISTED, { Cookie: `__Host-tenure=${token}` }));
      expect([path, answer.status, corsOf(answer)]).toEqual([path, 403, {}]);
    }
    expect((await stack.request("GET", "/auth/session", { token })).status).toBe(200);
  });

  it("has the cookie behind a development server that hands its requests on", async () => {
    const proxied = (more: Record<string, string> = {}) => ({
      headers: { Origin: DEV, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", ...more },
    });
    const login = await stack.askCode("proxied@example.com");
    const verified = await stack.request("POST", "/auth/verify", { ...proxied(), body: login });
    expect([verified.status, await verified.json()]).toEqual([
      200,
      expect.not.objectContaining({ token: expect.anything() }),
    ]);
    const Cookie = verified.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    expect((await stack.request("POST", "/threads", { ...proxied({ Cookie }), body: {} })).status).toBe(200);
    // Without the list, or from elsewhere, that is another origin's page.
    const other = { ...proxied({ Cookie }).headers, Origin: "http://localhost:5174" };
    expect((await stack.request("POST", "/threads", { headers: other, body: {} })).status).toBe(403);
  });

  it.each(["https://evil.example", "null", "https://app.example.com.evil.example"])(
    "of no use to %s",
    async (origin) => {
      const token = await stack.logIn("cors-evil@example.com");
      const read = await stack.request("GET", "/auth/session", from(origin, { Cookie: `__Host-tenure=${token}` }));
      expect(corsOf(read)).toEqual({});
      const code = await stack.request("POST", "/auth/code", {
        ...from(origin),
        body: { email: "cors-evil@example.com" },
      });
      expect([code.status, corsOf(code)]).toEqual([403, {}]);
    },
  );
});
