/** The session store's contract, over every engine behind the gateway. */
import { createSessionStore, defaultSessionPolicy, type SessionPolicy } from "@tenure/core/session";
import { keyedHandle, newToken, parseToken, type SessionRef } from "@tenure/core/token";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Behind, behindGateway, redisEngines } from "../engines/redis.ts";

const data = { userId: "user_ada", email: "ada@example.com" };
const handleOf = (user: string) => keyedHandle("pepper", "user", user);
const newRef = (user = "user_ada"): SessionRef => newToken(handleOf(user)).ref;

describe.each(redisEngines(4))("sessions on $name", ({ open }) => {
  let behind: Behind;
  beforeAll(async () => {
    behind = await behindGateway(await open());
  });
  afterAll(() => behind.close());

  const storeWith = (policy: Partial<SessionPolicy> = {}) =>
    createSessionStore(behind.store, { ...defaultSessionPolicy, ...policy });

  async function redisNow(): Promise<number> {
    const [seconds, micros] = (await behind.engine.send(["TIME"])) as [string, string];
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  }

  it("gives back what was created, until it is revoked", async () => {
    const sessions = storeWith();
    const ref = newRef();
    const created = await sessions.create(ref, data);
    expect(created).toMatchObject({ id: ref.id, data, lastSeenAt: created.createdAt });
    expect(created.idleExpiresAt - created.createdAt).toBe(defaultSessionPolicy.idleMs);
    expect(created.absoluteExpiresAt - created.createdAt).toBe(defaultSessionPolicy.absoluteMs);
    expect(await sessions.readAndTouch(ref)).toEqual(created);
    expect(await sessions.revoke(ref)).toBe(true);
    expect(await sessions.readAndTouch(ref)).toBeUndefined();
    expect(await sessions.revoke(ref)).toBe(false);
  });

  it("knows nobody by another secret, or by the secret under another handle", async () => {
    const sessions = storeWith();
    const ref = newRef();
    await sessions.create(ref, data);
    expect(await sessions.readAndTouch(newRef())).toBeUndefined();
    expect(await sessions.readAndTouch({ ...ref, handle: handleOf("user_eve") })).toBeUndefined();
  });

  it("keeps no secret and no user id in a key, and puts all keys of a user in one slot", async () => {
    const { token, ref } = newToken(handleOf("user_slot"));
    await storeWith().create(ref, { userId: "user_slot", email: "slot@example.com" });
    const keys = (await behind.engine.send(["KEYS", `*${ref.handle}*`])) as string[];
    expect(keys).toHaveLength(2);
    const secret = token.split(".")[1] as string;
    for (const key of keys) {
      expect(key).toContain(`{${ref.handle}}`);
      expect(key).not.toContain("user_slot");
      expect(key).not.toContain(secret);
    }
    expect(await behind.engine.send(["GET", `session:{${ref.handle}}:${ref.id}`])).not.toContain(secret);
  });

  it("ends with Redis' own expiry, so that a plain GET finds nothing either", async () => {
    const sessions = storeWith({ idleMs: 80, touchEveryMs: 1_000_000 });
    const ref = newRef();
    const { idleExpiresAt } = await sessions.create(ref, data);
    const key = `session:{${ref.handle}}:${ref.id}`;
    const outcomes = new Set<string>();
    for (let over = false; !over; ) {
      const before = await redisNow();
      const plain = await behind.engine.send(["GET", key]);
      const session = await sessions.readAndTouch(ref);
      const after = await redisNow();
      if (after <= idleExpiresAt) expect([plain, session]).not.toContain(null);
      if (before > idleExpiresAt) expect([plain, session]).toEqual([null, undefined]);
      outcomes.add(session ? "live" : "ended");
      over = before > idleExpiresAt + 20;
    }
    expect(outcomes).toEqual(new Set(["live", "ended"]));
  });

  it("extends the idle deadline when touched, and never past the absolute one", async () => {
    const sessions = storeWith({ idleMs: 60, absoluteMs: 200, touchEveryMs: 0 });
    const ref = newRef();
    const { createdAt, absoluteExpiresAt } = await sessions.create(ref, data);
    let last = 0;
    for (;;) {
      const before = await redisNow();
      const session = await sessions.readAndTouch(ref);
      if (!session) {
        expect(before).toBeGreaterThan(createdAt + 120);
        expect(await redisNow()).toBeGreaterThan(absoluteExpiresAt);
        break;
      }
      expect(before).toBeLessThanOrEqual(absoluteExpiresAt);
      expect(session.idleExpiresAt).toBeGreaterThanOrEqual(last);
      expect(session.idleExpiresAt).toBeLessThanOrEqual(absoluteExpiresAt);
      last = session.idleExpiresAt;
    }
    expect(last).toBe(absoluteExpiresAt);
  });

  it("writes at a read only when the last touch is long enough ago", async () => {
    const sessions = storeWith({ touchEveryMs: 60_000 });
    const ref = newRef();
    const created = await sessions.create(ref, data);
    for (let i = 0; i < 5; i++) expect((await sessions.readAndTouch(ref))?.lastSeenAt).toBe(created.createdAt);
  });

  it("is not brought back by reads that race with its revocation", async () => {
    const sessions = storeWith({ touchEveryMs: 0 });
    for (let trial = 0; trial < 50; trial++) {
      const ref = newRef();
      await sessions.create(ref, data);
      const racing = Array.from({ length: 4 }, () => sessions.readAndTouch(ref));
      await sessions.revoke(ref);
      expect(await sessions.readAndTouch(ref)).toBeUndefined();
      await Promise.all(racing);
      expect(await sessions.readAndTouch(ref)).toBeUndefined();
    }
  });

  it("ends the oldest sessions of a user who has too many", async () => {
    const sessions = storeWith({ maxPerUser: 3 });
    const refs = Array.from({ length: 5 }, () => newRef("user_cap"));
    for (const ref of refs) {
      await sessions.create(ref, data);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const live = await Promise.all(refs.map((ref) => sessions.readAndTouch(ref)));
    expect(live.map(Boolean)).toEqual([false, false, true, true, true]);
  });

  it("takes creating twice under one reference for once", async () => {
    const sessions = storeWith({ maxPerUser: 2 });
    const [first, second] = [newRef("user_twice"), newRef("user_twice")];
    await sessions.create(first, data);
    await sessions.create(second, data);
    await sessions.create(second, data);
    expect(await sessions.readAndTouch(first)).toBeDefined();
  });

  it("calls a record that it cannot read corrupt, and not absent", async () => {
    const ref = newRef();
    await behind.engine.send(["SET", `session:{${ref.handle}}:${ref.id}`, "nonsense"]);
    await expect(storeWith().readAndTouch(ref)).rejects.toMatchObject({
      reason: { tag: "store-corrupt", store: "redis", what: "session record" },
    });
  });
});

describe("a token", () => {
  it("has one shape, and any other is known without asking a store", () => {
    const { token, ref } = newToken(handleOf("user_ada"));
    expect(parseToken(token)).toEqual(ref);
    const [handle = "", secret = ""] = token.split(".");
    const misshapen = [
      "",
      ".",
      handle,
      `${handle}.`,
      `.${secret}`,
      `${token}x`,
      ` ${token}`,
      `${token}\n`,
      `${handle}.${secret}.x`,
    ];
    for (const text of [...misshapen, token.replace(".", ":"), `${handle}.${"é".repeat(43)}`, "__proto__"])
      expect([text, parseToken(text)]).toEqual([text, undefined]);
  });
});
