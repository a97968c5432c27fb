/** `npm run doctor` and `npm run generation`, as whoever runs the stack meets them. Runs the built program. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { examine } from "@tenure/functions/doctor";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PEPPER } from "../support/service/api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";
import { freePort } from "../support/stores/port.ts";
import { behindGateway, redisEngines } from "../support/stores/redis.ts";
import { runProgram, startProgram } from "./program.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tenure-operator-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("npm run doctor", () => {
  const well = [
    /^well +redis answers +within \d+ ms$/m,
    /^well +redis eviction +off$/m,
    /^well +redis persistence +each write is logged$/m,
    /^well +dynamodb answers +within \d+ ms$/m,
    /^well +dynamodb table and index +tenure, index$/m,
    /^well +dynamodb expiry +TTL is on, by expiresAt$/m,
  ];

  it("finds the stores well, of a stack that runs and of one that does not", async () => {
    const env = { TENURE_DATA_DIR: join(dir, "data"), PORT: String(await freePort()) };
    const alone = runProgram(env, "doctor");
    expect(await alone.exited).toBe(0);
    for (const line of well) expect(alone.output()).toMatch(line);
    const stack = await startProgram(env);
    const beside = runProgram({ ...env, PORT: new URL(stack.url).port }, "doctor");
    expect(await beside.exited).toBe(0);
    for (const line of well) expect(beside.output()).toMatch(line);
    stack.child.kill("SIGINT");
    expect(await stack.exited).toBe(0);
  });

  it("says what is wrong, and what to do", async () => {
    const [{ open: openTable }] = dynamoEngines as [(typeof dynamoEngines)[0]];
    const table = await openTable();
    const dynamo = {
      endpoint: table.endpoint,
      region: "local",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
    };
    const nowhere = {
      endpoint: `http://127.0.0.1:${await freePort()}`,
      region: "local",
      credentials: dynamo.credentials,
    };
    const [{ open }] = redisEngines(9) as [ReturnType<typeof redisEngines>[0]];
    const redis = await behindGateway(await open());
    const stores = {
      redis: { url: redis.url, token: redis.token },
      dynamo,
      tableName: table.tableName,
      pepper: PEPPER,
    };
    const bad = async (more: object) =>
      (await examine({ ...stores, ...more }))
        .filter(({ state }) => state === "bad")
        .map(({ store, check, says }) => `${store} ${check}: ${says}`);
    expect(await bad({})).toEqual([]);
    expect(await bad({ tableName: "misspelled" })).toEqual([
      "dynamodb answers: ResourceNotFoundException: there is no table of this name in this region",
    ]);
    expect(await bad({ redis: { url: redis.url, token: "wrong" } })).toEqual([
      expect.stringMatching(/^redis answers: (WRONGPASS|Unauthorized): the token is not this database's/),
    ]);
    expect(await bad({ dynamo: nowhere, redis: { url: nowhere.endpoint, token: "t" } })).toEqual([
      expect.stringMatching(/^redis answers: .*ECONNREFUSED: nothing listens there/),
      expect.stringMatching(/^dynamodb answers: .*ECONNREFUSED: nothing listens there/),
    ]);
    await redis.close();
    await table.close();
  });

  it.each(redisEngines(9).filter(({ name }) => name === "redis-server"))(
    "sees what a redis-server evicts, and that it keeps snapshots only",
    async ({ open }) => {
      const engine = await open();
      const redis = await behindGateway(engine);
      const [, before] = (await engine.send(["CONFIG", "GET", "maxmemory-policy"])) as [string, string];
      await engine.send(["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]);
      try {
        const stores = { redis: { url: redis.url, token: redis.token }, dynamo: {}, tableName: "t", pepper: PEPPER };
        const dynamo = {
          endpoint: redis.url,
          region: "local",
          credentials: { accessKeyId: "a", secretAccessKey: "b" },
        };
        const found = await examine({ ...stores, dynamo });
        const says = (check: string) => found.find((one) => one.store === "redis" && one.check === check);
        expect(says("eviction")).toMatchObject({ state: "bad", says: expect.stringContaining("volatile-lru") });
        expect(says("persistence")?.state).toMatch(/well|bad/);
      } finally {
        await engine.send(["CONFIG", "SET", "maxmemory-policy", before]);
        await redis.close();
      }
    },
  );
});

describe("npm run generation", () => {
  it("ends all sessions and codes, and nothing else", async () => {
    const env = { TENURE_DATA_DIR: join(dir, "data"), PORT: String(await freePort()), TENURE_LIMITS: "off" };
    let stack = await startProgram(env);
    const ask = (method: string, path: string, { body, token }: { body?: object; token?: string } = {}) =>
      fetch(`${stack.url}/api${path}`, {
        method,
        ...(token !== undefined && { headers: { Authorization: `Bearer ${token}` } }),
        ...(body && { body: JSON.stringify(body) }),
      });
    const codeOf = async () => {
      const asked = await ask("POST", "/auth/code", { body: { email: "a@example.com" } });
      const { challenge } = (await asked.json()) as { challenge: string };
      const mails = (await (await fetch(`${stack.url}/dev/mail.json`)).json()) as { code: string }[];
      return { challenge, code: mails[0]?.code };
    };
    const logIn = async () => {
      const verified = await ask("POST", "/auth/verify", { body: await codeOf() });
      return ((await verified.json()) as { token: string }).token;
    };
    const token = await logIn();
    const made = await ask("POST", "/threads", { body: {}, token });
    const { thread_id } = (await made.json()) as { thread_id: string };
    const unused = await codeOf();
    const busy = runProgram(env, "generation");
    expect(await busy.exited).toBe(1);
    expect(busy.output()).toMatch(/is in use by process \d+: stop that one first/);
    stack.child.kill("SIGINT");
    await stack.exited;

    const changed = runProgram(env, "generation");
    expect(await changed.exited).toBe(0);
    stack = await startProgram(env);
    expect((await ask("GET", "/auth/session", { token })).status).toBe(401);
    expect((await ask("POST", "/auth/verify", { body: unused })).status).toBe(401);
    const again = await logIn();
    expect((await ask("GET", `/threads/${thread_id}`, { token: again })).status).toBe(200);
    stack.child.kill("SIGINT");
    await stack.exited;
  });
});
