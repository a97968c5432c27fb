/** Limits of the codes that are asked for and tried: whoever asks, from wherever, and for whichever name of a mailbox. */
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { keyedHandle, newToken } from "@tenure/core/token";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterEach, expect, it } from "vitest";
import { openApi } from "../support/service/api.ts";
import { credentials } from "../support/stores/dynamo.ts";
import { behindGateway } from "../support/stores/redis.ts";

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function service() {
  const redis = await behindGateway(new EmbeddedRedis());
  opened.push(() => redis.close());
  const local = await startLocalDynamo();
  opened.push(() => local.close());
  const dynamo = { endpoint: local.url, region: "local", credentials };
  const admin = connectDynamo(dynamo);
  await ensureTable(admin, "tenure");
  admin.destroy();
  const sent: { to: string; code: string }[] = [];
  const lines: string[] = [];
  const api = await openApi({
    ...{ redis, dynamo },
    addressOf: (c) => c.req.header("X-Address"),
    mailer: { sendCode: async ({ to, code }) => void sent.push({ to, code }) },
    report: (line) => void lines.push(line),
    codePolicy: { resendMs: 0 },
  });
  opened.push(() => api.close());
  const post = (path: string, body: object, { address = "192.0.2.1", cookie = "" } = {}) =>
    api.request("POST", path, { body, headers: { "X-Address": address, ...(cookie && { Cookie: cookie }) } });
  return {
    ...{ api, sent, lines },
    ask: async (email: string, from?: { address?: string; cookie?: string }) =>
      (await post("/auth/code", { email }, from)).status,
    /** Logs in, and gives the cookie by which the browser is known. */
    async logIn(email: string, from?: { address?: string; cookie?: string }) {
      const asked = await post("/auth/code", { email }, from);
      const { challenge } = (await asked.json()) as { challenge: string };
      const verified = await post("/auth/verify", { challenge, code: sent.at(-1)?.code }, from);
      const [, known = ""] = verified.headers.getSetCookie();
      return { status: verified.status, known, browser: known.split(";")[0] as string, verified };
    },
    async miss(email: string, from?: { address?: string; cookie?: string }) {
      const asked = await post("/auth/code", { email }, from);
      if (!asked.ok) return asked.status;
      const { challenge } = (await asked.json()) as { challenge: string };
      const code = sent.at(-1)?.code === "000000" ? "000001" : "000000";
      let status = 401;
      for (let tries = 0; tries < 5 && status === 401; tries++)
        status = (await post("/auth/verify", { challenge, code }, from)).status;
      return status;
    },
  };
}

/** Addresses of so many networks of one provider, and of as many providers. */
const ofOneBlock = (n: number) => `2001:db8:5:${n.toString(16)}::1`;
const ofMany = (n: number) => `2001:db8:${(n + 16).toString(16)}::1`;

it("counts a mailbox by all of its names", async () => {
  const { ask, sent } = await service();
  const statuses = [];
  for (let n = 0; n < 60; n++) statuses.push(await ask(`victim+${n}@example.com`, { address: ofMany(n) }));
  expect(statuses.filter((status) => status === 202)).toHaveLength(10);
  expect(statuses.slice(10).every((status) => status === 429)).toBe(true);
  expect(sent).toHaveLength(10);
  expect(await ask("other@example.com", { address: ofMany(99) })).toBe(202);
});

it("counts a provider's block of networks together", async () => {
  const { ask } = await service();
  const statuses = [];
  for (let n = 0; n < 80; n++) statuses.push(await ask(`user${n}@example.com`, { address: ofOneBlock(n) }));
  expect(statuses.filter((status) => status === 202)).toHaveLength(60);
  expect(await ask("user99@example.com", { address: ofMany(99) })).toBe(202);
  for (let n = 0; n < 80; n++) statuses.push(await ask(`user${n}@example.org`, { address: `203.0.113.${n}` }));
  expect(statuses.slice(80).filter((status) => status === 202)).toHaveLength(60);
});

it("lets a browser that has logged in before ask and try on, whatever strangers do", async () => {
  const { ask, logIn, miss } = await service();
  const { status, known, browser } = await logIn("ada@example.com");
  expect(status).toBe(200);
  expect(known).toMatch(/^__Host-tenure-browser=[\w.-]+; Max-Age=34560000; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  // Strangers use up what anybody may ask for, and all tries of the account.
  for (let n = 0; n < 12; n++) await miss("ada@example.com", { address: ofMany(n) });
  expect(await ask("ada@example.com")).toBe(429);
  const again = await logIn("ada@example.com", { cookie: browser });
  expect([again.status, again.known]).toEqual([200, ""]);
  // The browser has a limit of its own, and counts for its account alone.
  const statuses = [];
  for (let n = 0; n < 12; n++) statuses.push(await ask("ada@example.com", { cookie: browser }));
  expect(statuses.filter((status) => status === 202)).toHaveLength(9);
  for (let n = 0; n < 12; n++) await ask("bob@example.com", { address: ofMany(n) });
  expect(await ask("bob@example.com", { cookie: browser })).toBe(429);
  for (const forged of [`${browser.slice(0, -1)}A`, `${browser.split("=")[0]}=x`, `${browser}; ${browser}`])
    expect(await ask("ada@example.com", { cookie: forged })).toBe(429);
});

it("counts all browsers of an account together, however many log in", async () => {
  const { logIn, ask, miss } = await service();
  const { browser: first } = await logIn("ada@example.com");
  const browsers = [first];
  const statuses: number[] = [];
  for (let n = 0; n < 40; n++) {
    const from = { cookie: browsers[n % browsers.length] as string };
    const next = await logIn("ada@example.com", from);
    statuses.push(next.status);
    // A login makes no new mark for a browser that is known.
    if (next.status !== 200) break;
  }
  expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(20);
  expect(await ask("ada@example.com", { cookie: first })).toBe(429);
  expect(await miss("bob@example.com")).toBe(401);
});

it("takes an address whose domain is of another script as the one that mail goes to", async () => {
  const { logIn, sent } = await service();
  const userOf = async (email: string) => {
    const { verified } = await logIn(email);
    return ((await verified.json()) as { user: { id: string; email: string } }).user;
  };
  const first = await userOf("Ada@Bücher.example");
  expect(sent.at(-1)?.to).toBe("ada@xn--bcher-kva.example");
  expect(await userOf("ada@xn--bcher-kva.example")).toEqual(first);
});

it("ends a session whose data it does not take, with a line, and no other", async () => {
  const { api, logIn, lines } = await service();
  const { verified } = await logIn("ada@example.com");
  const { token } = (await verified.json()) as { token: string };
  const session = () => api.request("GET", "/auth/session", { headers: { Authorization: `Bearer ${token}` } });
  expect((await session()).status).toBe(200);
  const { sessions } = api.deps;
  const older = newToken(keyedHandle(api.deps.pepper, "user", "user_older"));
  // As an earlier version of this API would have made it, whose sessions had no address.
  await sessions.create(older.ref, { data: { userId: "user_older" } as never }).catch(() => {});
  for (let times = 0; times < 3; times++) {
    const answer = await api.request("GET", "/auth/session", { headers: { Authorization: `Bearer ${older.token}` } });
    expect(answer.status).toBe(401);
  }
  expect(lines.filter((line) => line.includes("session-data-unread"))).toHaveLength(1);
  expect((await session()).status).toBe(200);
});
