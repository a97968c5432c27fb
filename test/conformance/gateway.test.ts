/** The unmodified Upstash clients against the gateway, over every engine. */
import { Ratelimit } from "@upstash/ratelimit";
import { Redis } from "@upstash/redis";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Behind, behindGateway, redisEngines } from "../support/stores/redis.ts";

afterEach(() => void vi.useRealTimers());

describe.each(redisEngines(3))("the gateway over $name", ({ open }) => {
  let behind: Behind;
  let redis: Redis;
  beforeAll(async () => {
    behind = await behindGateway(await open());
    redis = new Redis({ url: behind.url, token: behind.token });
  });
  afterAll(() => behind.close());

  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(behind.url + path, {
      method: "POST",
      headers: { Authorization: `Bearer ${behind.token}`, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });

  it("gives back what was set, whatever its characters", async () => {
    for (const text of ["plain", "OK", "", "é 漢 🙂", '{"json":[1,2]}', "\u0000\n\t", "T0s="]) {
      const exact = new Redis({ url: behind.url, token: behind.token, automaticDeserialization: false });
      await exact.set("text", text);
      expect(await exact.get("text")).toBe(text);
      expect(await exact.mget("text", "absent")).toEqual([text, null]);
    }
  });

  it("serves objects, hashes, sorted sets and expiry as the client expects them", async () => {
    await redis.set("object", { a: [1, 2] }, { ex: 100 });
    expect(await redis.get("object")).toEqual({ a: [1, 2] });
    expect(await redis.ttl("object")).toBeGreaterThan(0);
    await redis.hset("hash", { a: 1, b: "two" });
    expect(await redis.hgetall("hash")).toEqual({ a: 1, b: "two" });
    await redis.zadd("zset", { score: 2, member: "b" }, { score: 1, member: "a" });
    expect(await redis.zrange("zset", 0, -1, { withScores: true })).toEqual(["a", 1, "b", 2]);
  });

  it("runs a pipeline with an error in the middle, and a transaction", async () => {
    const pipeline = redis.pipeline().set("p", "1").lpush("p", "x").incr("p");
    const replies = await pipeline.exec({ keepErrors: true });
    expect(replies.map(({ result, error }) => error?.split(" ")[0] ?? result)).toEqual(["OK", "WRONGTYPE", 2]);
    expect(await redis.multi().set("m", 5).incrby("m", 2).get("m").exec()).toEqual(["OK", 7, 7]);
    const refused = await post("/multi-exec", [["SET", "m", "9"], ["NOSUCH"]]);
    expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual([
      400,
      "EXECABORT Transaction discarded because of previous errors.",
    ]);
    expect(await redis.get("m")).toBe(7);
  });

  it("takes scripts with Upstash's key-locking header, by text and by hash", async () => {
    const script = "#!lua flags=allow-key-locking\nreturn {KEYS[1], ARGV[1]}";
    const made = redis.createScript<string[]>(script);
    expect(await made.exec(["k"], ["v"])).toEqual(["k", "v"]);
    expect(await made.exec(["k"], ["w"])).toEqual(["k", "w"]);
    expect(await redis.scriptLoad(script)).toBe(made.sha1);
    expect(await redis.scriptExists(made.sha1 ?? "")).toEqual([1]);
    await expect(redis.evalsha("f".repeat(40), [], [])).rejects.toThrow(/NOSCRIPT/);
  });

  it("streams the messages of channels and of patterns until the client goes", async () => {
    const begun: string[] = [];
    const heard: unknown[] = [];
    const news = redis.subscribe<unknown>("news");
    news.on("subscribe", () => begun.push("news"));
    news.on("message", (message) => heard.push(message));
    const all = redis.psubscribe<unknown>("n*s");
    all.on("psubscribe", () => begun.push("n*s"));
    all.on("pmessage", (message) => heard.push(message));
    await expect.poll(() => begun).toHaveLength(2);
    expect(await redis.publish("news", { text: "é, 1" })).toBe(2);
    expect(await redis.publish("nuts", 7)).toBe(1);
    expect(await redis.publish("other", "x")).toBe(0);
    await expect.poll(() => heard).toHaveLength(3);
    expect(heard).toEqual(
      expect.arrayContaining([
        { channel: "news", message: { text: "é, 1" } },
        { pattern: "n*s", channel: "news", message: { text: "é, 1" } },
        { pattern: "n*s", channel: "nuts", message: 7 },
      ]),
    );
    const ended = new AbortController();
    const stream = await fetch(`${behind.url}/subscribe/news`, {
      headers: { Authorization: `Bearer ${behind.token}` },
      signal: ended.signal,
    });
    expect([stream.status, stream.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    ended.abort();
    await expect.poll(() => redis.publish("news", 1)).toBe(2);
  });

  it("asks for the token on every path, and takes it from the query too", async () => {
    for (const path of ["/", "/pipeline", "/multi-exec", "/get/k", "/subscribe/news", "/nothing"]) {
      for (const headers of [{}, { Authorization: "Bearer wrong" }, { Authorization: "Bearer " }]) {
        const response = await fetch(behind.url + path, { method: "POST", headers, body: '["GET","k"]' });
        expect([path, response.status]).toEqual([path, 401]);
        expect(((await response.json()) as { error: string }).error).toMatch(/^WRONGPASS/);
      }
    }
    const response = await fetch(`${behind.url}/set/q/1?EX=100&_token=${behind.token}`);
    expect(await response.json()).toEqual({ result: "OK" });
  });

  it("encodes as asked: base64 for all but a top-level OK, text otherwise", async () => {
    const base64 = { "Upstash-Encoding": "base64" };
    expect(await (await post("/", ["SET", "enc", "é"], base64)).json()).toEqual({ result: "OK" });
    expect(await (await post("/", ["GET", "enc"], base64)).json()).toEqual({ result: "w6k=" });
    expect(await (await post("/", ["GET", "enc"])).json()).toEqual({ result: "é" });
    expect(await (await post("/", ["MGET", "enc", "none"], base64)).json()).toEqual({ result: ["w6k=", null] });
    expect(await (await post("/", ["EVAL", "return {1,'OK',redis.status_reply('OK')}", 0], base64)).json()).toEqual({
      result: [1, "T0s=", "T0s="],
    });
    expect(await (await post("/", ["STRLEN", "enc"], base64)).json()).toEqual({ result: 2 });
  });

  it("hands out a sync token and takes it back", async () => {
    const first = await post("/", ["PING"]);
    const token = first.headers.get("upstash-sync-token") ?? "";
    expect(token).not.toBe("");
    expect((await post("/", ["PING"], { "Upstash-Sync-Token": token })).status).toBe(200);
  });

  it.each([
    ["not JSON", "/", "{"],
    ["no array", "/", { a: 1 }],
    ["an empty command", "/", []],
    ["a null argument", "/", ["SET", "bad", null]],
    ["a nested argument", "/", ["SET", "bad", ["x"]]],
    ["a command that needs a connection", "/", ["SUBSCRIBE", "x"]],
    ["a pipeline that is none", "/pipeline", { a: 1 }],
    ["an unknown command", "/", ["NOSUCH"]],
  ])("answers 400 with an error to %s", async (_name, path, body) => {
    const response = await post(path, body);
    expect([response.status, await response.json()]).toEqual([400, { error: expect.stringMatching(/^[A-Z]+ /) }]);
    expect(await redis.exists("bad")).toBe(0);
  });

  it("limits a rate with the unmodified limiter", async () => {
    // The limiter's windows go by Date, and its own timeout would answer "allowed".
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2030, 0, 1) + 1000 });
    const limit = Ratelimit.slidingWindow(3, "60 s");
    const limiter = new Ratelimit({ redis, limiter: limit, ephemeralCache: false, timeout: 0 });
    const taken = [];
    for (let i = 0; i < 5; i++) taken.push((await limiter.limit("someone")).success);
    expect(taken).toEqual([true, true, true, false, false]);
    expect((await limiter.getRemaining("someone")).remaining).toBe(0);
    await limiter.resetUsedTokens("someone");
    expect((await limiter.limit("someone")).success).toBe(true);
  });
});
