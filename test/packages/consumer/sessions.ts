/** A program of somebody who has installed sessions, codes and windows, on each way to Redis that its environment names. */
import assert from "node:assert/strict";
import { createCodeStore, defaultCodePolicy } from "@tenure/core/otp";
import { createWindows } from "@tenure/core/ratelimit";
import { connectRedis, type RedisStore } from "@tenure/core/redis";
import { fromIoredis } from "@tenure/core/redis/ioredis";
import { fromNodeRedis } from "@tenure/core/redis/node-redis";
import { createSessionStore, defaultSessionPolicy } from "@tenure/core/session";
import { codeDigest, keyedHandle, newChallenge, newToken, parseToken } from "@tenure/core/token";
import { Redis } from "ioredis";
import { createClient } from "redis";

const pepper = "a pepper of thirty-two characters, at least";
const deadlineMs = 60_000;

async function use(redis: RedisStore): Promise<void> {
  const sessions = createSessionStore({
    redis,
    policy: defaultSessionPolicy,
    data: { parse: (value) => value as { userId: string } },
  });
  const { token, ref } = newToken(keyedHandle(pepper, "user", "ada"));
  await sessions.create(ref, { data: { userId: "ada" } });
  const claimed = parseToken(token);
  assert.ok(claimed);
  assert.equal((await sessions.readAndTouch(claimed))?.data.userId, "ada");
  assert.equal(await sessions.revokeAll(ref.handle), 1);
  assert.equal(await sessions.readAndTouch(ref), undefined);

  const codes = createCodeStore(redis, { ...defaultCodePolicy, resendMs: 0 });
  const account = keyedHandle(pepper, "account", "ada@example.com");
  const challenge = newChallenge(pepper, account);
  const digest = codeDigest(pepper, challenge, "123456");
  await codes.issue({ account, challenge, digest, email: "ada@example.com" });
  assert.deepEqual(await codes.consume(account, challenge, digest), { accepted: true, email: "ada@example.com" });
  assert.equal((await codes.consume(account, challenge, digest)).accepted, false);

  const windows = createWindows(redis, pepper);
  const limit = { name: `once-${Math.random()}`, tokens: 1, windowMs: 3_600_000 };
  assert.deepEqual(
    [(await windows.take(limit, "ada")).allowed, (await windows.take(limit, "ada")).allowed],
    [true, false],
  );
}

const { UPSTASH_URL, UPSTASH_TOKEN, REDIS_URL } = process.env;
const used: string[] = [];
if (UPSTASH_URL && UPSTASH_TOKEN) {
  await use(connectRedis({ url: UPSTASH_URL, token: UPSTASH_TOKEN, deadlineMs }));
  used.push("@upstash/redis");
}
if (REDIS_URL) {
  const client = createClient({ url: REDIS_URL });
  await client.connect();
  await use(fromNodeRedis(client, { deadlineMs }));
  client.destroy();
  const other = new Redis(REDIS_URL, { autoResendUnfulfilledCommands: false });
  await use(fromIoredis(other, { deadlineMs }));
  other.disconnect();
  used.push("redis", "ioredis");
}
console.log(`sessions: ok by ${used.join(", ")}`);
