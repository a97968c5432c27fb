/** Sessions over HTTP, on every set of engines: what users can do with them, and what is recorded of it. */
import { keyedHandle, newToken } from "@tenure/core/token";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openApi, PEPPER, type TestApi } from "../support/service/api.ts";
import { stackEngines, startTestStack, type TestStack } from "../support/service/stack.ts";
import { HeldClock } from "../support/stores/held-clock.ts";
import { behindGateway } from "../support/stores/redis.ts";

const MINUTE = 60_000;
const COOKIE = "__Host-tenure";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

interface Device {
  id: string;
  current: boolean;
  device: string | null;
  network: string | null;
}

async function problem(response: Response): Promise<[number, string]> {
  expect(response.headers.get("content-type")).toContain("application/problem+json");
  return [response.status, ((await response.json()) as { type: string }).type.split("/").at(-1) as string];
}

function clientOf(stack: () => TestStack) {
  const alive = async (token: string) => (await stack().request("GET", "/auth/session", { token })).status === 200;
  const devices = async (token: string) =>
    ((await (await stack().request("GET", "/auth/sessions", { token })).json()) as { sessions: Device[] }).sessions;
  const activity = async (token: string, query = "") => {
    const page = await (await stack().request("GET", `/activity${query}`, { token })).json();
    return page as { activity: { kind: string; detail: object; id: string }[]; next: string | null };
  };
  return { alive, devices, activity };
}

describe.each(stackEngines(7))("sessions over HTTP on $name", ({ engines }) => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startTestStack(engines);
  });
  afterAll(() => stack.close());
  const { alive, devices, activity } = clientOf(() => stack);

  it("shows a user's devices, the current one marked, and ends any of them", async () => {
    const email = "devices@example.com";
    const first = await stack.logIn(email);
    const verified = await stack.request("POST", "/auth/verify", {
      headers: { "User-Agent": FIREFOX },
      body: await stack.askCode(email),
    });
    const { token: second } = (await verified.json()) as { token: string };
    const seen = await devices(first);
    expect(seen).toEqual([
      expect.objectContaining({ current: false, device: "Firefox on Linux", network: "127.0.0.0/24" }),
      expect.objectContaining({ current: true, device: "node" }),
    ]);
    const [other, own] = seen as [Device, Device];
    const end = (id: string, token: string) => stack.request("DELETE", `/auth/sessions/${id}`, { token });
    expect((await end(other.id, first)).status).toBe(204);
    expect(await alive(second)).toBe(false);
    expect(await problem(await end(other.id, first))).toEqual([404, "session-not-found"]);
    expect(await problem(await end("x", first))).toEqual([404, "session-not-found"]);
    const ended = await end(own.id, first);
    expect(ended.headers.get("set-cookie")).toContain(`${COOKIE}=;`);
    expect(await alive(first)).toBe(false);
  });

  it("does not end, or show, what is another user's", async () => {
    const [ada, eve] = [await stack.logIn("ada-s@example.com"), await stack.logIn("eve-s@example.com")];
    const [session] = await devices(ada);
    const refused = await stack.request("DELETE", `/auth/sessions/${session?.id}`, { token: eve });
    expect(await problem(refused)).toEqual([404, "session-not-found"]);
    await stack.request("POST", "/auth/logout-all", { token: eve });
    expect(await alive(ada)).toBe(true);
    expect(await alive(eve)).toBe(false);
  });

  it("ends the others, or all, and the next request anywhere is refused", async () => {
    const tokens = [];
    for (let i = 0; i < 4; i++) tokens.push(await stack.logIn("many-s@example.com"));
    const [mine, ...others] = tokens as [string, ...string[]];
    const ended = await stack.request("POST", "/auth/logout-others", { token: mine });
    expect(await ended.json()).toEqual({ ended: 3 });
    expect(await Promise.all([mine, ...others].map(alive))).toEqual([true, false, false, false]);
    expect(await (await stack.request("POST", "/auth/logout-all", { token: mine })).json()).toEqual({ ended: 1 });
    expect(await alive(mine)).toBe(false);
  });

  it("ends the session that a login takes the place of, whoever's it was", async () => {
    const logInWith = async (token: string, email: string) => {
      const headers = { Cookie: `${COOKIE}=${token}` };
      const verified = await stack.request("POST", "/auth/verify", { headers, body: await stack.askCode(email) });
      return ((await verified.json()) as { token: string }).token;
    };
    const first = await stack.logIn("again@example.com");
    const second = await logInWith(first, "again@example.com");
    expect([await alive(first), await alive(second)]).toEqual([false, true]);
    const third = await logInWith(second, "someone-else@example.com");
    expect([await alive(second), await alive(third)]).toEqual([false, true]);
    // A token that somebody planted is not taken over: a login always makes a new one.
    expect(new Set([first, second, third]).size).toBe(3);
  });

  it("keeps a record of logins, refusals, logouts and revocations, for their owner alone", async () => {
    const email = "record@example.com";
    const asked = await stack.askCode(email);
    const wrong = asked.code === "000000" ? "111111" : "000000";
    await stack.request("POST", "/auth/verify", { body: { ...asked, code: wrong } });
    const token = await stack.logIn(email);
    await stack.request("POST", "/auth/logout", { token: await stack.logIn(email) });
    await stack.logIn(email);
    await stack.request("POST", "/auth/logout-others", { token });
    const kinds = async () => (await activity(token)).activity.map(({ kind }) => kind);
    const all = ["others-revoked", "login", "logout", "login", "login", "login-refused"];
    await expect.poll(kinds).toHaveLength(all.length);
    expect((await kinds()).sort()).toEqual(all.sort());

    const entries = (await activity(token)).activity;
    expect(entries.find(({ kind }) => kind === "login-refused")?.detail).toEqual({ why: "wrong" });
    expect(JSON.stringify(entries)).not.toContain(token.split(".")[1]);

    const paged = [];
    let next: string | null = null;
    do {
      const page = await activity(token, `?limit=4${next ? `&before=${next}` : ""}`);
      paged.push(...page.activity);
      next = page.next;
    } while (next);
    expect(paged).toEqual(entries);

    expect((await activity(await stack.logIn("other-record@example.com"))).activity.length).toBeLessThanOrEqual(1);
    for (const query of ["?limit=0", "?limit=101", "?limit=x", "?before=x", "?before=%00"])
      expect(await problem(await stack.request("GET", `/activity${query}`, { token }))).toEqual([400, "invalid-input"]);
  });

  it("refuses what changes anything to pages of another origin, in whatever way they send it", async () => {
    const token = await stack.logIn("csrf-s@example.com");
    const headers = { Cookie: `${COOKIE}=${token}`, Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
    const unsafe = [
      ["POST", "/auth/logout"],
      ["POST", "/auth/logout-others"],
      ["POST", "/auth/logout-all"],
      ["DELETE", `/auth/sessions/${"A".repeat(43)}`],
      ["POST", "/auth/code"],
      ["POST", "/auth/verify"],
      ["POST", "/threads"],
      ["POST", "/threads/5f0c0a52-6f0e-4b67-a43b-3e6a43c3b8a1/runs/stream"],
    ] as const;
    for (const [method, path] of unsafe)
      for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded"]) {
        const body = method === "POST" ? JSON.stringify({ email: "csrf-s@example.com" }) : undefined;
        const sent = { headers: { ...headers, "Content-Type": type }, ...(body !== undefined && { body }) };
        expect(await problem(await stack.request(method, path, sent))).toEqual([403, "cross-origin"]);
      }
    expect(await alive(token)).toBe(true);
  });

  it("gives pages of other origins no leave to send a token in a header, or to read anything", async () => {
    const token = await stack.logIn("preflight-s@example.com");
    // A browser sends no credential with a preflight. With one the answer gives no leave either.
    for (const path of [
      "/ok",
      "/auth/session",
      "/auth/logout",
      "/activity",
      "/threads",
      "/runs/stream",
      "/account",
      "/nothing",
    ])
      for (const Cookie of ["", `${COOKIE}=${token}`]) {
        const asked = await stack.request("OPTIONS", path, {
          headers: {
            ...{ Cookie, Origin: "https://evil.example" },
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
          },
        });
        expect([path, asked.status]).toEqual([path, 403]);
        expect([...asked.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
      }
  });

  it("changes nothing on GET", async () => {
    const token = await stack.logIn("get-s@example.com");
    for (const path of ["/auth/logout", "/auth/logout-others", "/auth/logout-all", "/auth/code", "/auth/verify"])
      expect(await problem(await stack.request("GET", path, { token }))).toEqual([405, "method-not-allowed"]);
    expect(await alive(token)).toBe(true);
  });

  it("sends headers that keep browsers from caching, framing, sniffing or loading anything", async () => {
    const api = await stack.request("GET", "/auth/session");
    expect(Object.fromEntries(api.headers)).toMatchObject({
      "cache-control": "no-store",
      "content-security-policy": expect.stringContaining("default-src 'none'"),
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "strict-transport-security": "max-age=31536000; includeSubDomains",
      "cross-origin-resource-policy": "same-origin",
    });
    const site = await fetch(stack.url);
    const policy = site.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|data:|https?:/);
  });
});

describe("a user who has been logged in for a while", () => {
  it("logs in again before seeing devices, ending all sessions or deleting the account", async () => {
    const clock = new HeldClock();
    const stack = await startTestStack({}, { now: clock.now });
    try {
      const { alive, devices, activity } = clientOf(() => stack);
      const token = await stack.logIn("stepup@example.com");
      clock.moveBy(15 * MINUTE);
      expect((await stack.request("GET", "/auth/sessions", { token })).status).toBe(200);
      clock.moveBy(1);
      for (const [method, path] of [
        ["GET", "/auth/sessions"],
        ["POST", "/auth/logout-all"],
        ["DELETE", "/account"],
      ] as const) {
        const refused = await stack.request(method, path, { token });
        expect(refused.headers.get("www-authenticate")).toContain('max_age="900"');
        expect(await problem(refused)).toEqual([401, "step-up-required"]);
      }
      expect(await alive(token)).toBe(true);
      expect((await stack.request("POST", "/auth/logout-others", { token })).status).toBe(200);

      const verified = await stack.request("POST", "/auth/verify", {
        headers: { Authorization: `Bearer ${token}` },
        body: await stack.askCode("stepup@example.com"),
      });
      const { token: fresh } = (await verified.json()) as { token: string };
      expect(await devices(fresh)).toEqual([expect.objectContaining({ current: true })]);
      expect(await alive(token)).toBe(false);
      const kinds = async () => (await activity(fresh)).activity.map(({ kind }) => kind);
      await expect.poll(async () => (await kinds()).filter((kind) => kind === "step-up-refused")).toHaveLength(2);
      expect((await stack.request("POST", "/auth/logout-all", { token: fresh })).status).toBe(200);
    } finally {
      await stack.close();
    }
  });
});

describe("a new pepper", () => {
  it("ends every session", async () => {
    const behind = await behindGateway(new EmbeddedRedis());
    const dynamo = await startLocalDynamo();
    const config = { endpoint: dynamo.url, region: "local", credentials: { accessKeyId: "a", secretAccessKey: "b" } };
    const open = (pepper: string) => openApi({ redis: behind, dynamo: config, pepper });
    const [before, after] = [await open(PEPPER), await open(`another ${PEPPER}`)];
    const { token, ref } = newToken(keyedHandle(PEPPER, "user", "user_1"));
    await before.deps.sessions.create(ref, { data: { userId: "user_1", email: "a@example.com" } });
    const status = async (api: TestApi) =>
      (await api.request("GET", "/auth/session", { headers: { "x-api-key": token } })).status;
    expect([await status(before), await status(after)]).toEqual([200, 401]);
    await Promise.all([before.close(), after.close()]);
    await Promise.all([behind.close(), dynamo.close()]);
  });
});

describe("where a request comes from", () => {
  const networkOf = async (stack: TestStack, headers: Record<string, string>) => {
    const body = await stack.askCode("address@example.com");
    const verified = await stack.request("POST", "/auth/verify", { headers, body });
    const { token } = (await verified.json()) as { token: string };
    return (await clientOf(() => stack).devices(token)).find(({ current }) => current)?.network;
  };
  const claims = {
    "X-Forwarded-For": "198.51.100.1, 203.0.113.77",
    "X-Real-IP": "198.51.100.1",
    Forwarded: "for=198.51.100.1",
  };

  it("is taken from no header that is not declared", async () => {
    const stack = await startTestStack();
    expect(await networkOf(stack, claims)).toBe("127.0.0.0/24");
    await stack.close();
  });

  it("is what the declared proxy added last", async () => {
    const stack = await startTestStack({ addressHeader: "X-Forwarded-For" });
    expect(await networkOf(stack, claims)).toBe("203.0.113.0/24");
    expect(await networkOf(stack, { "X-Forwarded-For": "nonsense" })).toBe(null);
    await stack.close();
  });
});
