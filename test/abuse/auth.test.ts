/** Thousands of hostile requests on /api/auth: each is refused, nothing changes, and memory stays as it is. */
import { connect } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { RedisServer } from "@tenure/local/redis/resp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sized } from "../support/runner/size.ts";
import { stackEngines, startTestStack, type TestStack } from "../support/service/stack.ts";
import { redisUrl } from "../support/stores/found.ts";
import { hostileRequest, type Loot } from "./hostile.ts";

const DATABASE = 9;
const REQUESTS = sized(2_000, 10_000);
const WARM_UP = REQUESTS / 5;
const AT_ONCE = 16;
const MB = 1024 * 1024;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const heap = () => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};

describe.each(stackEngines(DATABASE))("hostile requests on $name", ({ engines }) => {
  let stack: TestStack;
  let loot: Loot;
  const victim = "victim@example.com";
  beforeAll(async () => {
    // A touch would change what is compared.
    stack = await startTestStack(engines, { sessionPolicy: { touchEveryMs: 12 * 60 * 60_000 } });
    const token = await stack.logIn(victim);
    const used = await stack.askCode("used@example.com");
    await stack.request("POST", "/auth/verify", { body: used });
    const open = await stack.askCode("guessed@example.com");
    const wrong = open.code === "000000" ? "000001" : "000000";
    loot = { origin: stack.url, cookie: "__Host-tenure", token, used, open: { challenge: open.challenge, wrong } };
  });
  afterAll(() => stack.close());

  /** Every session in Redis, whole; where Redis can be asked. */
  async function sessionsInRedis(): Promise<Record<string, unknown>> {
    if (!engines.redisUrl || !redisUrl) return {};
    const server = new RedisServer(new URL(`/${DATABASE}`, redisUrl));
    const keys = (await server.send(["KEYS", "session*"])) as string[];
    const values = await Promise.all(
      keys.map((key) =>
        server.send([
          key.startsWith("sessions") ? "ZRANGE" : "GET",
          key,
          ...(key.startsWith("sessions") ? ["0", "-1"] : []),
        ]),
      ),
    );
    await server.close();
    return Object.fromEntries(keys.map((key, i) => [key, values[i]]));
  }
  const devices = async () => (await stack.request("GET", "/auth/sessions", { token: loot.token })).json();
  const activity = async () => {
    const page = await (await stack.request("GET", "/activity", { token: loot.token })).json();
    return (page as { activity: unknown[] }).activity;
  };

  it(`are refused, all ${REQUESTS}, and change nothing`, async () => {
    await expect.poll(activity).toHaveLength(1);
    const before = { devices: await devices(), activity: await activity(), redis: await sessionsInRedis() };
    const statuses: Record<number, number> = {};
    const wrong: string[] = [];
    let next = 0;
    let warm = 0;
    const attack = async (until: number) => {
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          while (next < until) {
            const { what, method, path, headers, body } = hostileRequest(next++, loot);
            const response = await fetch(stack.api + path, {
              method,
              ...(headers && { headers }),
              ...(body !== undefined && { body }),
            });
            const answer = await response.text();
            statuses[response.status] = (statuses[response.status] ?? 0) + 1;
            const cookie = response.headers.get("set-cookie") ?? "";
            const given = /__Host-tenure=[^;]/.test(cookie) || answer.includes('"token"');
            if (response.status < 400 || response.status >= 500 || given || answer.includes(loot.token))
              wrong.push(
                `${response.status} for ${what}: ${method} ${path} ${JSON.stringify(headers)} ${String(body).slice(0, 80)}`,
              );
          }
        }),
      );
    };
    await attack(WARM_UP);
    warm = heap();
    await attack(REQUESTS);
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(Object.values(statuses).reduce((sum, count) => sum + count, 0)).toBe(REQUESTS);
    expect({ devices: await devices(), activity: await activity(), redis: await sessionsInRedis() }).toEqual(before);
    // Memory that requests hold for a moment, their timers above all, is free a moment later.
    await expect.poll(() => heap() - warm, { interval: 500 }).toBeLessThan(2 * MB);
  });

  it("that are no HTTP, or two in one, are refused as well", async () => {
    const { port, host } = new URL(stack.url);
    const login = `Cookie: __Host-tenure=${loot.token}\r\n`;
    const head = `POST /api/auth/logout HTTP/1.1\r\nHost: ${host}\r\n`;
    const smuggled = `POST /api/auth/logout-all HTTP/1.1\r\nHost: ${host}\r\n${login}\r\n`;
    for (const raw of [
      `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
      `${head}Content-Length: 0\r\nContent-Length: 44\r\n\r\n${smuggled}`,
      `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`,
      `${head}Transfer-Encoding: xchunked\r\n\r\n${smuggled}`,
      `${head}X: a\r\n ${login}\r\n`,
      `${head}Cookie\0: __Host-tenure=${loot.token}\r\n\r\n`,
      `${head}X: ${"a".repeat(100_000)}\r\n${login}\r\n`,
      `POST /api/auth/logout HTTP/9.9\r\nHost: ${host}\r\n${login}\r\n`,
      `POST http://evil.example/api/auth/logout HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://evil.example\r\nConnection: close\r\n${login}\r\n`,
      `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03`,
    ]) {
      const answer = await exchange(Number(port), raw);
      expect([raw.slice(0, 200), answer]).toEqual([
        expect.any(String),
        expect.stringMatching(/^(?:$|HTTP\/1\.1 4\d\d )/),
      ]);
      expect(answer).not.toMatch(/HTTP\/1\.1 [235]/);
    }
    expect((await stack.request("GET", "/auth/session", { token: loot.token })).status).toBe(200);
  });
});

/** Everything that the server says to these bytes until it closes, as it does after each of them. */
function exchange(port: number, raw: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "localhost", () => socket.write(raw, "latin1"));
    const done = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("close", done);
    socket.on("error", done);
  });
}
