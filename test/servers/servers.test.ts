/** Sessions, codes and limits behave alike on every server, asked over HTTP by a client that is a browser, or a program with a token. */
import { request as ask } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Running, servers } from "./servers.ts";
import { type Service, startService } from "./service.ts";

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

describe.each(servers)("$name", ({ start }) => {
  let service: Service;
  let server: Running;
  beforeEach(async () => {
    service = await startService();
    server = await start(service);
  });
  afterEach(async () => {
    await server.close();
    await service.close();
  });

  /** Unlike `fetch`, this sends the headers of a browser. */
  function call(method: string, path: string, headers: Record<string, string> = {}, body?: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const type = body ? { "Content-Type": "application/json" } : {};
      const sent = ask(`${server.url}${path}`, { method, headers: { ...type, ...headers } }, (response) => {
        let text = "";
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      });
      sent.on("error", reject);
      sent.end(body && JSON.stringify(body));
    });
  }
  const cookiesOf = ({ headers }: Answer) => (headers["set-cookie"] as string[] | undefined) ?? [];
  const isProblem = (answer: Answer, status: number, tag: string) => {
    expect([answer.status, JSON.parse(answer.body).type]).toEqual([status, `urn:tenure:${tag}`]);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
  };

  async function logIn(email = "ada@example.com"): Promise<{ token: string; cookie: string }> {
    const { challenge } = JSON.parse((await call("POST", "/code", {}, { email })).body);
    const code = service.mails.at(-1)?.code;
    const verified = await call("POST", "/verify", {}, { challenge, code });
    expect(verified.status).toBe(200);
    const [cookie = ""] = cookiesOf(verified);
    expect(cookie).toMatch(/^__Host-tenure=[\w.-]{66}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    return { token: JSON.parse(verified.body).token, cookie: cookie.split(";")[0] as string };
  }

  it("logs in by a code, and knows who asks by the cookie and by a token in a header", async () => {
    const { token, cookie } = await logIn();
    for (const headers of [{ Cookie: cookie }, { Authorization: `Bearer ${token}` }, { "x-api-key": token }]) {
      const answer = await call("GET", "/me/data", headers as Record<string, string>);
      expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { userId: "ada@example.com", notes: 0 }]);
      expect(answer.headers["cache-control"]).toBe("no-store");
      expect(Number(answer.headers["x-session-expires-at"])).toBe(Date.UTC(2030, 0, 1, 12, 30, 1));
    }
  });

  it("lets nobody in without a session, by a wrong token beside a good cookie, or after the deadline", async () => {
    const { cookie } = await logIn();
    const none = await call("GET", "/me/data");
    isProblem(none, 401, "session-required");
    expect(none.headers["www-authenticate"]).toBe('Bearer realm="tenure"');
    isProblem(await call("GET", "/me/data", { Cookie: cookie, "x-api-key": "nothing" }), 401, "session-required");
    isProblem(await call("GET", "/me/data", { Cookie: `${cookie}; ${cookie}x` }), 401, "session-required");
    service.advance(30 * 60_000 + 1);
    isProblem(await call("GET", "/me/data", { Cookie: cookie }), 401, "session-required");
  });

  it("refuses an unsafe request of another origin's page by the cookie, and takes it with a token", async () => {
    const { token, cookie } = await logIn();
    const own = { Origin: server.url };
    const other = { Origin: "http://evil.example" };
    expect((await call("POST", "/me/note", { Cookie: cookie, ...own })).status).toBe(200);
    isProblem(await call("POST", "/me/note", { Cookie: cookie, ...other }), 403, "cross-origin");
    const crossSite = { Cookie: cookie, "Sec-Fetch-Site": "cross-site" };
    isProblem(await call("POST", "/me/note", crossSite), 403, "cross-origin");
    expect((await call("POST", "/me/note", { "x-api-key": token, ...other })).status).toBe(200);
    expect(JSON.parse((await call("GET", "/me/data", { Cookie: cookie, ...other })).body).notes).toBe(2);
    isProblem(await call("POST", "/verify", other, { challenge: "x", code: "123456" }), 400, "invalid-input");
  });

  it("moves a session to a new token in a cookie, and ends one with its cookie", async () => {
    const { cookie } = await logIn();
    const rotated = await call("POST", "/me/rotate", { Cookie: cookie });
    const [fresh = ""] = cookiesOf(rotated).map((one) => one.split(";")[0]);
    expect(fresh).toBe(`__Host-tenure=${JSON.parse(rotated.body).token}`);
    isProblem(await call("GET", "/me/data", { Cookie: cookie }), 401, "session-required");
    const gone = await call("POST", "/me/logout", { Cookie: fresh });
    expect([gone.status, gone.body]).toEqual([200, "goodbye"]);
    expect(cookiesOf(gone)).toEqual([expect.stringMatching(/^__Host-tenure=; Max-Age=0; /)]);
    isProblem(await call("GET", "/me/data", { Cookie: fresh }), 401, "session-required");
  });

  it("wants a recent login for what is worth one", async () => {
    const { cookie } = await logIn();
    await logIn();
    service.advance(15 * 60_000);
    expect((await call("POST", "/me/others", { Cookie: cookie })).body).toBe('{"ended":1}');
    service.advance(1);
    const late = await call("POST", "/me/others", { Cookie: cookie });
    isProblem(late, 401, "step-up-required");
    expect(late.headers["www-authenticate"]).toContain('max_age="900"');
  });

  it("ends the session that a login of the same user replaces, and leaves another user's", async () => {
    const first = await logIn();
    const other = await logIn("eve@example.com");
    const { challenge } = JSON.parse((await call("POST", "/code", {}, { email: "ada@example.com" })).body);
    const code = service.mails.at(-1)?.code;
    await call("POST", "/verify", { Cookie: first.cookie }, { challenge, code });
    isProblem(await call("GET", "/me/data", { Cookie: first.cookie }), 401, "session-required");
    expect((await call("GET", "/me/data", { Cookie: other.cookie })).status).toBe(200);
  });

  it("refuses wrong, made-up and used codes, and addresses that are none", async () => {
    isProblem(await call("POST", "/code", {}, { email: "ada" }), 400, "invalid-input");
    const { challenge } = JSON.parse((await call("POST", "/code", {}, { email: "ada@example.com" })).body);
    const code = service.mails.at(-1)?.code as string;
    const wrong = await call("POST", "/verify", {}, { challenge, code: code === "000000" ? "111111" : "000000" });
    isProblem(wrong, 401, "code-rejected");
    expect(JSON.parse(wrong.body)).toMatchObject({ why: "wrong", attemptsLeft: 4 });
    const forged = challenge.replace(/.$/, challenge.endsWith("A") ? "B" : "A");
    isProblem(await call("POST", "/verify", {}, { challenge: forged, code }), 401, "code-rejected");
    expect((await call("POST", "/verify", {}, { challenge, code })).status).toBe(200);
    isProblem(await call("POST", "/verify", {}, { challenge, code }), 401, "code-rejected");
  });

  it("counts requests and says so, and refuses the one too many", async () => {
    const look = (subject: string) => call("GET", "/looks", { "x-subject": subject });
    const first = await look("ada");
    expect([first.status, first.body]).toEqual([200, "seen"]);
    expect(first.headers.ratelimit).toBe('"looks";r=1;t=59');
    expect(first.headers["ratelimit-policy"]).toBe('"looks";q=2;w=60');
    await look("ada");
    const third = await look("ada");
    isProblem(third, 429, "rate-limited");
    expect(third.headers["retry-after"]).toBe("59");
    expect(third.headers.ratelimit).toBe('"looks";r=0;t=59');
    expect((await look("eve")).status).toBe(200);
  });

  it("answers 503 while Redis is away, and leaves the cookie", async () => {
    const { cookie } = await logIn();
    await service.loseRedis();
    for (const [method, path] of [
      ["GET", "/me/data"],
      ["POST", "/me/logout"],
      ["GET", "/looks"],
    ] as const) {
      const away = await call(method, path, { Cookie: cookie });
      isProblem(away, 503, "store-unavailable");
      expect(away.headers["retry-after"]).toBe("1");
      expect(cookiesOf(away)).toEqual([]);
    }
    isProblem(await call("POST", "/code", {}, { email: "ada@example.com" }), 503, "store-unavailable");
  });

  it("says nothing of a fault that is the application's", async () => {
    const fault = await call("GET", "/fault");
    expect(fault.status).toBe(500);
    // Fastify says what a handler threw, unless the application has its own words for it.
    if (!fault.body.includes("statusCode")) expect(fault.body).not.toContain("business");
  });
});
