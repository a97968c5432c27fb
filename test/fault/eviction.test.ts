/**
 * A redis-server that is full, under each policy of eviction. Eviction ends sessions too early, and that is all: what was revoked stays
 * revoked, a logout of all devices misses none, and a server that evicts nothing still lets a user log out.
 */
import { createSessionStore, defaultSessionPolicy } from "@tenure/core/session";
import { keyedHandle, newToken, type SessionRef } from "@tenure/core/token";
import { RedisServer } from "@tenure/local/redis/resp";
import { afterEach, describe, expect, it } from "vitest";
import { randomOf } from "../support/random.ts";
import { isRedisFound } from "../support/stores/found.ts";
import { type Behind, behindGateway } from "../support/stores/redis.ts";
import { startRedisServer } from "../support/stores/redis-server.ts";

const USERS = 40;
const STEPS = 2_000;
const FILLER_BYTES = 2_000;
const data = { userId: "user_ada", email: "ada@example.com" };

describe.skipIf(!isRedisFound)("a full redis-server", () => {
  const close: (() => unknown)[] = [];
  afterEach(async () => {
    for (const undo of close.splice(0).reverse()) await undo();
  });

  async function open(policy: string) {
    const settings = { "maxmemory-policy": policy, "maxmemory-samples": "3" };
    const server = await startRedisServer({}, settings);
    close.push(() => server.close());
    const behind = await behindGateway(new RedisServer(new URL(server.url)));
    close.push(() => behind.close());
    const used = await fieldOf(behind, "memory", "used_memory");
    await behind.engine.send(["CONFIG", "SET", "maxmemory", String(used + 512 * 1024)]);
    const sessions = createSessionStore({
      redis: behind.store,
      policy: defaultSessionPolicy,
      data: { parse: (value) => value as typeof data },
    });
    return { behind, sessions };
  }

  async function fieldOf({ engine }: Behind, section: string, name: string): Promise<number> {
    const info = (await engine.send(["INFO", section])) as string;
    return Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1]);
  }

  let fillers = 0;
  /** Writes what other users would, with an expiry, until the server refuses it or has been asked so often. */
  async function fill({ engine }: Behind, times: number): Promise<boolean> {
    for (let n = 0; n < times; n++)
      if ((await engine.send(["SET", `filler:${fillers++}`, "x".repeat(FILLER_BYTES), "EX", "1000"])) !== "OK")
        return true;
    return false;
  }

  it.each(["allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl", "volatile-random"])(
    "under %s honours nothing that was revoked, and nothing that a logout of all devices has not seen",
    async (policy) => {
      const { behind, sessions } = await open(policy);
      const random = randomOf(20_261_127);
      const pick = <T>(from: readonly T[]): T | undefined => from[random(from.length)];
      const users = Array.from({ length: USERS }, (_, n) => ({
        handle: keyedHandle("pepper", "user", `user_${n}`),
        live: [] as SessionRef[],
        over: [] as SessionRef[],
      }));
      const count = { honoured: 0, lost: 0, revoked: 0 };
      for (let step = 0; step < STEPS; step++) {
        const user = pick(users) as (typeof users)[number];
        const chance = random(100);
        const ref = pick(user.live);
        if (chance < 20) {
          const next = newToken(user.handle).ref;
          await sessions.create(next, { data });
          // The cap ends the oldest; none that is here again was ended by anybody.
          user.live.push(next);
          if (user.live.length > 8) user.live.shift();
        } else if (chance < 30 && ref) {
          const next = newToken(user.handle).ref;
          const moved = await sessions.rotate(ref, next);
          user.live = user.live.filter((one) => one !== ref);
          user.over.push(ref);
          if (moved) user.live.push(next);
        } else if (chance < 35 && ref) {
          await sessions.revoke(ref);
          user.live = user.live.filter((one) => one !== ref);
          user.over.push(ref);
          count.revoked++;
        } else if (chance < 40) {
          await sessions.revokeAll(user.handle);
          user.over.push(...user.live.splice(0));
          count.revoked++;
        } else if (chance < 70 && ref) {
          if (await sessions.readAndTouch(ref)) count.honoured++;
          else {
            // Evicted: it stays away.
            count.lost++;
            user.live = user.live.filter((one) => one !== ref);
            user.over.push(ref);
          }
        } else await fill(behind, 2);
        const ended = pick(user.over);
        if (ended) expect(await sessions.readAndTouch(ended), `step ${step}`).toBeUndefined();
      }
      for (const { handle, live, over } of users) {
        await sessions.revokeAll(handle);
        for (const ref of [...live, ...over]) expect(await sessions.readAndTouch(ref)).toBeUndefined();
      }
      expect(await fieldOf(behind, "stats", "evicted_keys")).toBeGreaterThan(200);
      expect(Math.min(...Object.values(count)), JSON.stringify(count)).toBeGreaterThan(20);
    },
  );

  it("under noeviction says that it is full, and ends a session all the same", async () => {
    const { behind, sessions } = await open("noeviction");
    const handle = keyedHandle("pepper", "user", "user_full");
    const [one, two, three] = [newToken(handle).ref, newToken(handle).ref, newToken(handle).ref];
    for (const ref of [one, two, three]) await sessions.create(ref, { data });
    expect(await fill(behind, 10_000)).toBe(true);
    expect(await sessions.readAndTouch(one)).toMatchObject({ data });
    await sessions.revoke(one);
    expect(await sessions.readAndTouch(one)).toBeUndefined();
    expect(await sessions.revokeAll(handle)).toBe(2);
    for (const ref of [two, three]) expect(await sessions.readAndTouch(ref)).toBeUndefined();
  });
});
