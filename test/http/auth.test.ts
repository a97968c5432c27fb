import { newToken } from "@tenure/core/token";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { stackEngines, startTestStack, type TestStack } from "../support/service/stack.ts";

const COOKIE = "__Host-tenure";
const MINUTE = 60_000;

describe.each(stackEngines(6))("login over HTTP on $name", ({ engines }) => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startTestStack(engines);
  });
  afterAll(() => stack.close());

  const problem = async (response: Response) => {
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const document = (await response.json()) as { type: string; status: number; detail: string };
    expect(document.status).toBe(response.status);
    expect(document.detail).not.toBe("");
    return [response.status, document.type.replace("/api/problems/", "")];
  };
  const session = (headers: HeadersInit) => stack.request("GET", "/auth/session", { headers });

  it("logs a program in by a code, and out at once, by whichever header it holds its token", async () => {
    const asked = await stack.request("POST", "/auth/code", { body: { email: "Ada@Example.com " } });
    expect(asked.status).toBe(202);
    const issued = (await asked.json()) as { challenge: string; expiresAt: number; resendAt: number };
    expect(Object.keys(issued)).toEqual(["challenge", "expiresAt", "resendAt"]);
    // Without limits another code may be sent at once.
    expect(issued.expiresAt - issued.resendAt).toBe(10 * MINUTE);

    const verified = await stack.request("POST", "/auth/verify", { body: await stack.askCode("ada@example.com") });
    expect(verified.status).toBe(200);
    const { token, ...rest } = (await verified.json()) as { token: string; session: object };
    expect(rest).toEqual({
      user: { id: expect.stringMatching(/^user_/), email: "ada@example.com" },
      session: {
        id: expect.any(String),
        createdAt: expect.any(Number),
        authenticatedAt: expect.any(Number),
        idleExpiresAt: expect.any(Number),
        absoluteExpiresAt: expect.any(Number),
        readAt: expect.any(Number),
      },
    });
    const holders = [{ Authorization: `Bearer ${token}` }, { "x-api-key": token }, { Cookie: `${COOKIE}=${token}` }];
    for (const headers of holders) {
      const found = await session(headers);
      expect([found.status, await found.json()]).toEqual([
        200,
        { ...rest, session: { ...rest.session, readAt: expect.any(Number) } },
      ]);
      expect(found.headers.get("cache-control")).toBe("no-store");
    }
    expect((await stack.request("POST", "/auth/logout", { token })).status).toBe(204);
    for (const headers of holders) expect(await problem(await session(headers))).toEqual([401, "session-required"]);
    expect(await problem(await stack.request("POST", "/auth/logout", { token }))).toEqual([401, "session-required"]);
  });

  it("gives a browser its token in a cookie only", async () => {
    const headers = { "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", Origin: stack.url };
    const body = await stack.askCode("browser@example.com");
    const verified = await stack.request("POST", "/auth/verify", { headers, body });
    expect(await verified.json()).not.toHaveProperty("token");
    const [cookie = ""] = verified.headers.getSetCookie();
    expect(cookie.split("; ").sort().slice(0, 3)).toEqual([
      "HttpOnly",
      expect.stringMatching(/^Max-Age=4\d{4}$/),
      "Path=/",
    ]);
    expect(cookie).toMatch(new RegExp(`^${COOKIE}=[\\w-]{22}\\.[\\w-]{43}; .*HttpOnly; Secure; SameSite=Lax$`));
    const token = cookie.slice(COOKIE.length + 1).split(";")[0];
    const out = await stack.request("POST", "/auth/logout", { headers: { ...headers, Cookie: `${COOKIE}=${token}` } });
    expect([out.status, out.headers.get("set-cookie")]).toEqual([
      204,
      expect.stringContaining(`${COOKIE}=; Max-Age=0`),
    ]);
  });

  it("is the same user at the next login, and another one under another address", async () => {
    const userOf = async (email: string) => {
      const response = await stack.request("GET", "/auth/session", { token: await stack.logIn(email) });
      return ((await response.json()) as { user: { id: string } }).user.id;
    };
    const first = await userOf("same@example.com");
    expect(await userOf("same@example.com")).toBe(first);
    expect(await userOf("other@example.com")).not.toBe(first);
  });

  it("refuses a wrong, a used and a spent code, each by name", async () => {
    const verify = (body: object) => stack.request("POST", "/auth/verify", { body });
    const { challenge, code } = await stack.askCode("wrong@example.com");
    const other = code === "000000" ? "000001" : "000000";
    for (const attemptsLeft of [4, 3, 2, 1, 0]) {
      const refused = await verify({ challenge, code: other });
      expect([refused.status, await refused.json()]).toEqual([
        401,
        expect.objectContaining({ type: "/api/problems/code-rejected", why: "wrong", attemptsLeft }),
      ]);
    }
    expect(await (await verify({ challenge, code })).json()).toMatchObject({ why: "spent" });
    const fresh = await stack.askCode("wrong@example.com");
    expect((await verify(fresh)).status).toBe(200);
    expect(await (await verify(fresh)).json()).toMatchObject({ why: "gone" });
  });

  it.each([
    ["JSON that is none", "/auth/code", "{", 400],
    ["no body", "/auth/code", "", 400],
    ["a list", "/auth/code", "[]", 400],
    ["null", "/auth/code", "null", 400],
    ["no e-mail", "/auth/code", {}, 400],
    ["an e-mail of another type", "/auth/code", { email: ["a@b.c"] }, 400],
    ["an e-mail that is none", "/auth/code", { email: "ada" }, 400],
    ["an e-mail with a line break", "/auth/code", { email: "a@b.c\nBcc: d@e.f" }, 400],
    ["a code of five digits", "/auth/verify", { challenge: "x", code: "12345" }, 400],
    ["a code that is a number", "/auth/verify", { challenge: "x", code: 123456 }, 400],
    ["a misshapen challenge", "/auth/verify", { challenge: "x", code: "123456" }, 400],
    ["a prototype", "/auth/verify", '{"__proto__":{"challenge":"x"},"code":"123456"}', 400],
    ["a body above 1 MB", "/auth/code", `{"email":"${"a".repeat(1_100_000)}"}`, 413],
  ])("answers %s with a problem", async (_name, path, body, status) => {
    const [given, type] = await problem(await stack.request("POST", path, { body }));
    expect([given, type]).toEqual([status, status === 413 ? "body-too-large" : "invalid-input"]);
  });

  it("refuses a challenge that nobody was given", async () => {
    const { challenge } = await stack.askCode("real@example.com");
    const made = `${challenge.slice(0, 23)}${"A".repeat(44)}`;
    const refused = await stack.request("POST", "/auth/verify", { body: { challenge: made, code: "123456" } });
    expect(await refused.json()).toMatchObject({ status: 401, why: "gone" });
  });

  it("answers a token of any wrong shape with 401", async () => {
    const { token } = newToken("A".repeat(22));
    for (const wrong of [token, "x", "null", `${token}.x`, "a".repeat(5000), "../../etc", "%00", "{}"]) {
      expect(await problem(await session({ Authorization: `Bearer ${wrong}` }))).toEqual([401, "session-required"]);
      expect(await problem(await session({ "x-api-key": wrong }))).toEqual([401, "session-required"]);
      expect(await problem(await session({ Cookie: `${COOKIE}=${wrong}` }))).toEqual([401, "session-required"]);
    }
  });

  it("does not choose between two session cookies, nor let a cookie stand in for a bad header", async () => {
    const token = await stack.logIn("two@example.com");
    const two = await session({ Cookie: `${COOKIE}=planted; ${COOKIE}=${token}` });
    expect(await problem(two)).toEqual([401, "session-required"]);
    const mixed = await session({ Authorization: "Bearer bad", Cookie: `${COOKIE}=${token}` });
    expect(await problem(mixed)).toEqual([401, "session-required"]);
    const twoWords = await session({ Authorization: "Bearer a b", Cookie: `${COOKIE}=${token}` });
    expect(await problem(twoWords)).toEqual([401, "session-required"]);
    expect((await session({ Authorization: "Basic x", Cookie: `${COOKIE}=${token}` })).status).toBe(200);
  });

  it("takes no other name for the session cookie's, such as one behind a no-break space", async () => {
    const token = await stack.logIn("space@example.com");
    expect((await session({ Cookie: `a=b; \t ${COOKIE}=${token} \t` })).status).toBe(200);
    for (const before of ["\u00a0", "\u000b", "\u000c", "x"]) {
      const planted = await session({ Cookie: `${before}${COOKIE}=${token}` }).catch(() => undefined);
      if (planted) expect(await problem(planted)).toEqual([401, "session-required"]);
      const beside = await session({ Cookie: `${COOKIE}=${token}; ${before}${COOKIE}=planted` }).catch(() => undefined);
      if (beside) expect(beside.status).toBe(200);
    }
  });

  it.each<[string, (code: string) => string]>([
    ["a space in the middle", (code) => `${code.slice(0, 3)} ${code.slice(3)}`],
    ["a dash in the middle", (code) => `${code.slice(0, 3)}\u2013${code.slice(3)}`],
    ["a line's end", (code) => ` ${code}\r\n`],
    ["full-width digits", (code) => code.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)))],
    ["characters that nobody sees", (code) => `\u200b${code}\ufeff`],
  ])("takes a code with %s", async (what, typed) => {
    const { challenge, code } = await stack.askCode(`${what.replaceAll(/\W/g, ".")}@example.com`);
    const verified = await stack.request("POST", "/auth/verify", { body: { challenge, code: typed(code) } });
    expect(verified.status).toBe(200);
  });

  it("refuses what another origin makes a browser send, and leaves the session alone", async () => {
    const token = await stack.logIn("origin@example.com");
    const cookie = { Cookie: `${COOKIE}=${token}` };
    for (const foreign of [
      { Origin: "https://evil.example" },
      { Origin: "null" },
      { Origin: stack.url.replace("http", "foo") },
      { Origin: "http://localhost:1" },
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
    ]) {
      const refused = await stack.request("POST", "/auth/logout", { headers: { ...cookie, ...foreign } });
      expect(await problem(refused)).toEqual([403, "cross-origin"]);
    }
    expect((await session(cookie)).status).toBe(200);
    const own = { ...cookie, Origin: stack.url, "Sec-Fetch-Site": "same-origin" };
    expect((await stack.request("POST", "/auth/logout", { headers: own })).status).toBe(204);
  });

  it("answers unknown paths with 404 and wrong methods with 405", async () => {
    for (const path of ["/nope", "/auth", "/auth/", "/auth/session/x", "/threads/x/y", "/problems/nope"])
      expect([path, (await stack.request("GET", path, { token: "x" })).status]).toEqual([
        path,
        path.startsWith("/threads") ? 401 : 404,
      ]);
    const put = await stack.request("PUT", "/auth/session");
    expect([await problem(put), put.headers.get("allow")]).toEqual([[405, "method-not-allowed"], "GET, HEAD"]);
    expect((await fetch(`${stack.url}/nope`)).status).toBe(404);
    expect(await (await stack.request("GET", "/ok")).json()).toEqual({ ok: true });
  });

  it("serves the page of every problem it names", async () => {
    const page = await stack.request("GET", "/problems/session-required");
    expect(await page.json()).toMatchObject({ status: 401, documentation: "docs/problems/session-required.md" });
  });
});

describe("with a clock that is moved", () => {
  let now: number;
  let stack: TestStack;
  beforeEach(async () => {
    // Date itself, since the limiter takes no clock. Early in a window of every limit.
    now = Date.UTC(2030, 0, 1, 12, 0, 1);
    vi.useFakeTimers({ toFake: ["Date"], now });
    stack = await startTestStack({ limits: "on" });
  });
  afterEach(async () => {
    await stack.close();
    vi.useRealTimers();
  });
  const moveBy = (ms: number) => {
    now += ms;
    vi.setSystemTime(now);
  };

  it("ends codes, resend intervals and sessions when they should", async () => {
    const ask = () => stack.request("POST", "/auth/code", { body: { email: "time@example.com" } });
    await stack.askCode("time@example.com");
    const again = await ask();
    expect([again.status, again.headers.get("retry-after")]).toEqual([429, "30"]);
    moveBy(30_000);
    expect((await ask()).status).toBe(429);
    moveBy(1);
    const first = await stack.askCode("time@example.com");
    const second = await stack.askCode("other@example.com");

    moveBy(10 * MINUTE);
    expect((await stack.request("POST", "/auth/verify", { body: first })).status).toBe(200);
    moveBy(1);
    const late = await stack.request("POST", "/auth/verify", { body: second });
    expect(await late.json()).toMatchObject({ status: 401, why: "gone" });

    const token = await stack.logIn("time@example.com");
    const status = async () => (await stack.request("GET", "/auth/session", { token })).status;
    for (let minutes = 0; minutes < 11 * 60; minutes += 30) {
      moveBy(30 * MINUTE);
      expect(await status()).toBe(200);
    }
    moveBy(30 * MINUTE + 1);
    expect(await status()).toBe(401);

    const next = await stack.logIn("time@example.com");
    for (let minutes = 0; minutes < 12 * 60; minutes += 20) {
      expect((await stack.request("GET", "/auth/session", { token: next })).status).toBe(200);
      moveBy(20 * MINUTE);
    }
    moveBy(1);
    expect((await stack.request("GET", "/auth/session", { token: next })).status).toBe(401);
  });

  it("limits how many codes one address may ask for, when limits are on", async () => {
    const statuses = [];
    for (let i = 0; i < 22; i++)
      statuses.push((await stack.request("POST", "/auth/code", { body: { email: `p${i}@example.com` } })).status);
    expect(statuses).toEqual([...Array(20).fill(202), 429, 429]);
    const refused = await stack.request("POST", "/auth/code", { body: { email: "p@example.com" } });
    expect(refused.headers.get("ratelimit-policy")).toBe('"code-address";q=20;w=600');
    expect(refused.headers.get("ratelimit")).toBe('"code-address";r=0;t=599');
    expect(refused.headers.get("retry-after")).toBe("599");
  });
});
