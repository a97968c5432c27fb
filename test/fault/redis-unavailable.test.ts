/** Whatever stands where Redis should be, every verb says "unavailable" in time: never "absent", never "allowed". */
import { createCodeStore, defaultCodePolicy } from "@tenure/core/otp";
import { createWindows } from "@tenure/core/ratelimit";
import { connectRedis, type RedisStore } from "@tenure/core/redis";
import { createSessionStore, defaultSessionPolicy } from "@tenure/core/session";
import { keyedHandle, newChallenge, newToken } from "@tenure/core/token";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { holdTimers, isSettled } from "../support/runner/time.ts";
import { Requests, redisPlayedBy } from "../support/stores/impostor.ts";
import { type Behind, behindGateway } from "../support/stores/redis.ts";

afterEach(() => void vi.useRealTimers());

/** Moved by the tests that want it, and reached in no other. */
const DEADLINE_MS = 120_000;
const SECRET_EMAIL = "ada@example.com";

const verbs: [string, (redis: RedisStore) => Promise<unknown>][] = [
  ["session create", (redis) => sessions(redis).create(ref(), { data: { email: SECRET_EMAIL } })],
  ["session read", (redis) => sessions(redis).readAndTouch(ref())],
  ["session update", (redis) => sessions(redis).update(ref(), { email: SECRET_EMAIL })],
  ["session rotate", (redis) => sessions(redis).rotate(ref(), ref())],
  ["session list", (redis) => sessions(redis).list(account)],
  ["session revoke others", (redis) => sessions(redis).revokeOthers(ref())],
  ["session revoke all", (redis) => sessions(redis).revokeAll(account)],
  ["session revoke", (redis) => sessions(redis).revoke(ref())],
  ["code issue", (redis) => codes(redis).issue({ account, challenge, digest: "d".repeat(43), email: SECRET_EMAIL })],
  ["code consume", (redis) => codes(redis).consume(account, challenge, "d".repeat(43))],
  ["window take", (redis) => createWindows(redis, "pepper").take({ name: "w", tokens: 5, windowMs: 1000 }, "someone")],
];
const account = keyedHandle("pepper", "account", SECRET_EMAIL);
const challenge = newChallenge("pepper", account);
const connect = (url: string) => connectRedis({ url, token: "t", deadlineMs: DEADLINE_MS });
const ref = () => newToken(account).ref;
const sessions = (redis: RedisStore) =>
  createSessionStore({ redis, policy: defaultSessionPolicy, data: { parse: (value) => value as { email: string } } });
const codes = (redis: RedisStore) => createCodeStore(redis, defaultCodePolicy);

/** [what answers, with which status and body, what is then known of the operation] */
const answers: [string, number, string, "not-applied" | "unknown"][] = [
  ["an error of Redis", 400, '{"error":"LOADING Redis is loading the dataset in memory"}', "not-applied"],
  ["a wrong token", 401, '{"error":"WRONGPASS invalid or missing auth token"}', "not-applied"],
  ["an error within a script", 400, '{"error":"READONLY You can\'t write script: 0f, on @user_script:9."}', "unknown"],
  ["a gateway without its engine", 500, '{"error":"ERR the engine did not answer"}', "unknown"],
  ["a proxy's page", 502, "<html>Bad Gateway</html>", "unknown"],
  ["a page with status 200", 200, "<html>Welcome</html>", "unknown"],
  ["an empty object", 200, "{}", "unknown"],
  ["a string", 200, '{"result":"aGVsbG8="}', "unknown"],
  ["a number out of place", 200, '{"result":7}', "unknown"],
  ["nil", 200, '{"result":null}', "unknown"],
  ["an empty list", 200, '{"result":[]}', "unknown"],
  ["a list of nulls", 200, '{"result":[null,null]}', "unknown"],
  ["a list too short", 200, '{"result":[1]}', "unknown"],
  ["true", 200, '{"result":true}', "unknown"],
];

describe.each(answers)("when %s answers", (_name, status, body, outcome) => {
  const server = redisPlayedBy((_request, response) => response.writeHead(status).end(body));
  it.each(verbs)("%s is unavailable", async (_verb, run) => {
    await expectUnavailable(run(connect(server.url())), outcome);
  });
});

describe("when the answer is that to another call", () => {
  let behind: Behind;
  /** The gateway's answer to the request before. */
  let before: string | undefined;
  const server = redisPlayedBy(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const { authorization = "" } = request.headers;
    const answer = await fetch(behind.url + request.url, { method: "POST", headers: { authorization }, body });
    const [given, text] = [before, await answer.text()];
    before = text;
    response.writeHead(200).end(given ?? text);
  });
  beforeAll(async () => {
    behind = await behindGateway(new EmbeddedRedis());
  });
  afterAll(() => behind.close());

  it.each(verbs)("%s is unavailable", async (_verb, run) => {
    const { token, deadlineMs } = behind;
    // The server knows the script from then on.
    await run(connectRedis({ url: behind.url, token, deadlineMs })).catch(() => {});
    const slipped = connectRedis({ url: server.url(), token, deadlineMs });
    before = undefined;
    await run(slipped).catch(() => {});
    await expectUnavailable(run(slipped), "unknown");
  });
});

describe("when nothing answers", () => {
  const asked = new Requests();
  const server = redisPlayedBy(asked.take);
  it.each(verbs)("%s is unavailable at its deadline, and no sooner", async (_verb, run) => {
    const time = holdTimers();
    const running = run(connect(server.url()));
    await asked.next();
    await time.advance(DEADLINE_MS - 1);
    expect(await isSettled(running)).toBe(false);
    await time.advance(1);
    await expectUnavailable(running, "unknown");
  });
});

describe("when a server that does not know the scripts is slow", () => {
  const asked = new Requests();
  const server = redisPlayedBy(asked.take);
  it.each(verbs)("%s has one deadline for both of its round trips", async (_verb, run) => {
    const time = holdTimers();
    const running = run(connect(server.url()));
    const first = await asked.next();
    await time.advance(DEADLINE_MS - 1);
    first.writeHead(400).end('{"error":"NOSCRIPT No matching script."}');
    await asked.next();
    expect(await isSettled(running)).toBe(false);
    await time.advance(1);
    await expectUnavailable(running, "unknown");
  });
});

describe("when the connection breaks after the request", () => {
  let requests = 0;
  const server = redisPlayedBy((request) => {
    requests += 1;
    request.socket.destroy();
  });
  it.each(verbs)("%s is unavailable and was sent once", async (_verb, run) => {
    requests = 0;
    await expectUnavailable(run(connect(server.url())), "unknown");
    expect(requests).toBe(1);
  });
});

describe("when nothing listens", () => {
  const server = redisPlayedBy(() => {});
  it.each(verbs)("%s is unavailable and was not applied", async (_verb, run) => {
    const redis = connect(server.url());
    await server.stop();
    await expectUnavailable(run(redis), "not-applied");
  });
});

async function expectUnavailable(running: Promise<unknown>, outcome: string): Promise<void> {
  const error = await running.then(
    (value) => new Error(`it answered ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ reason: { tag: "store-unavailable", store: "redis", outcome } });
  // The client's errors repeat the command: none of it may be left.
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(SECRET_EMAIL);
}
