/** The session store's contract, over every engine and every way to it. Time passes when a test says so. */
import { randomUUID } from "node:crypto";
import { createSessionStore, defaultSessionPolicy, type SessionPolicy } from "@tenure/core/session";
import { keyedHandle, newToken, type SessionRef } from "@tenure/core/token";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Connections } from "../../packages/core/src/connections.ts";
import { type Link, links } from "../support/stores/links.ts";
import { whole } from "../support/stores/whole-session.ts";

const data = { userId: "user_ada", email: "ada@example.com" };
const handleOf = (user: string) => keyedHandle("pepper", "user", user);
const newRef = (user = "user_ada"): SessionRef => newToken(handleOf(user)).ref;

describe.each(links)("sessions on $name", ({ open, isRest }) => {
  let link: Link;
  beforeAll(async () => {
    link = await open();
  });
  afterAll(() => link.close());

  const storeWith = (policy: Partial<SessionPolicy> = {}) =>
    createSessionStore({
      redis: link.store,
      policy: { ...defaultSessionPolicy, ...policy },
      data: { parse: (value) => value as typeof data },
    });

  it("gives back what was created, until it is revoked", async () => {
    const sessions = storeWith();
    const ref = newRef();
    const { session: created } = await sessions.create(ref, { data });
    expect(created).toMatchObject({ id: ref.id, data, lastSeenAt: created.createdAt });
    expect(created.idleExpiresAt - created.createdAt).toBe(defaultSessionPolicy.idleMs);
    expect(created.absoluteExpiresAt - created.createdAt).toBe(defaultSessionPolicy.absoluteMs);
    expect(await sessions.readAndTouch(ref)).toEqual({ ...created, readAt: expect.any(Number) });
    expect(await sessions.revoke(ref)).toMatchObject({ id: ref.id, data });
    expect(await sessions.readAndTouch(ref)).toBeUndefined();
    expect(await sessions.revoke(ref)).toBeUndefined();
  });

  it("knows nobody by another secret, or by the secret under another handle", async () => {
    const sessions = storeWith();
    const ref = newRef();
    await sessions.create(ref, { data });
    expect(await sessions.readAndTouch(newRef())).toBeUndefined();
    expect(await sessions.readAndTouch({ ...ref, handle: handleOf("user_eve") })).toBeUndefined();
  });

  it("keeps no secret and no user id in a key, and puts all keys of a user in one slot", async () => {
    const { token, ref } = newToken(handleOf("user_slot"));
    await storeWith().create(ref, { data: { userId: "user_slot", email: "slot@example.com" } });
    const keys = (await link.engine.send(["KEYS", `*${ref.handle}*`])) as string[];
    expect(keys).toHaveLength(2);
    const secret = token.split(".")[1] as string;
    for (const key of keys) {
      expect(key).toContain(`{${ref.handle}}`);
      expect(key).not.toContain("user_slot");
      expect(key).not.toContain(secret);
    }
    expect(await link.engine.send(["GET", `session:{${ref.handle}}:${ref.id}`])).not.toContain(secret);
  });

  it("ends with Redis' own expiry, so that a plain GET finds nothing either", async () => {
    const sessions = storeWith({ idleMs: 80, touchEveryMs: 1_000_000 });
    const ref = newRef();
    const { idleExpiresAt } = (await sessions.create(ref, { data })).session;
    const found = async () => [
      await link.engine.send(["EXISTS", `session:{${ref.handle}}:${ref.id}`]),
      await sessions.readAndTouch(ref).then(Boolean),
    ];
    link.advance(80);
    expect(link.now()).toBe(idleExpiresAt);
    expect(await found()).toEqual([1, true]);
    link.advance(1);
    expect(await found()).toEqual([0, false]);
  });

  it("is over at its deadline by its record too, where Redis still has the key", async () => {
    const sessions = storeWith({ idleMs: 80, touchEveryMs: 0 });
    const [ref, to] = [newRef("user_over"), newRef("user_over")];
    await sessions.create(ref, { data });
    // As redis-server does for a script that began before the deadline and was held up.
    expect(await link.engine.send(["PERSIST", `session:{${ref.handle}}:${ref.id}`])).toBe(1);
    link.advance(80);
    expect(await sessions.list(ref.handle)).toHaveLength(1);
    link.advance(1);
    expect(await sessions.update(ref, data)).toBeUndefined();
    expect(await sessions.rotate(ref, to)).toBeUndefined();
    expect(await sessions.revokeOthers(ref)).toBeUndefined();
    expect(await sessions.list(ref.handle)).toEqual([]);
    expect(await sessions.readAndTouch(ref)).toBeUndefined();
    expect(await storeWith({ idleMs: 80, touchEveryMs: 60_000 }).readAndTouch(ref)).toBeUndefined();
  });

  it("extends the idle deadline when touched, and never past the absolute one", async () => {
    const sessions = storeWith({ idleMs: 60, absoluteMs: 200, touchEveryMs: 0 });
    const ref = newRef();
    const { createdAt, absoluteExpiresAt } = (await sessions.create(ref, { data })).session;
    for (const [pass, idleUntil] of [
      [60, 120],
      [60, 180],
      [60, 200],
      [20, 200],
    ] as const) {
      link.advance(pass);
      expect(await sessions.readAndTouch(ref)).toMatchObject({
        idleExpiresAt: createdAt + idleUntil,
        absoluteExpiresAt,
      });
    }
    link.advance(1);
    expect(await sessions.readAndTouch(ref)).toBeUndefined();
  });

  it("writes at a read only when the last touch is long enough ago", async () => {
    const sessions = storeWith({ touchEveryMs: 60_000 });
    const ref = newRef();
    const { session: created } = await sessions.create(ref, { data });
    link.advance(59_999);
    expect((await sessions.readAndTouch(ref))?.lastSeenAt).toBe(created.createdAt);
    link.advance(1);
    expect((await sessions.readAndTouch(ref))?.lastSeenAt).toBe(created.createdAt + 60_000);
  });

  it("is not brought back by reads that race with its revocation", async () => {
    const sessions = storeWith({ touchEveryMs: 0 });
    for (let trial = 0; trial < 50; trial++) {
      const ref = newRef();
      await sessions.create(ref, { data });
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
      await sessions.create(ref, { data });
      link.advance(1);
    }
    const live = await Promise.all(refs.map((ref) => sessions.readAndTouch(ref)));
    expect(live.map(Boolean)).toEqual([false, false, true, true, true]);
  });

  it("takes creating twice under one reference for once", async () => {
    const sessions = storeWith({ maxPerUser: 2 });
    const [first, second] = [newRef("user_twice"), newRef("user_twice")];
    await sessions.create(first, { data });
    await sessions.create(second, { data });
    await sessions.create(second, { data });
    expect(await sessions.readAndTouch(first)).toBeDefined();
  });

  it("updates data without moving a deadline, and only over the revision that was read", async () => {
    const sessions = storeWith();
    const ref = newRef();
    const { session: created } = await sessions.create(ref, { data });
    const renamed = { ...data, email: "ada@lovelace.example" };
    const updated = await sessions.update(ref, renamed, created.revision);
    expect(updated).toEqual({ ...created, data: renamed, revision: 1, readAt: expect.any(Number) });
    expect(await sessions.update(ref, data, created.revision)).toBe("stale");
    expect(await sessions.readAndTouch(ref)).toMatchObject({ data: renamed, revision: 1 });
    expect(await sessions.update(ref, data)).toMatchObject({ data, revision: 2 });
    const key = `session:{${ref.handle}}:${ref.id}`;
    expect(await link.engine.send(["PEXPIRETIME", key])).toBe(created.idleExpiresAt);
    await sessions.revoke(ref);
    expect(await sessions.update(ref, data)).toBeUndefined();
    expect(await link.engine.send(["EXISTS", key])).toBe(0);
    await expect(sessions.update(ref, { ...data, email: "x".repeat(5000) })).rejects.toThrow("4096 bytes");
  });

  it("moves a session to a new reference, and the old one is dead at once", async () => {
    const sessions = storeWith({ touchEveryMs: 0 });
    const [from, to, never] = [newRef("user_move"), newRef("user_move"), newRef("user_move")];
    const { session: created } = await sessions.create(from, { data, origin: { device: "Firefox on Linux" } });
    const rotated = await sessions.rotate(from, to);
    expect(rotated).toMatchObject({
      ...created,
      id: to.id,
      lastSeenAt: expect.any(Number),
      idleExpiresAt: expect.any(Number),
      readAt: expect.any(Number),
    });
    expect(await sessions.readAndTouch(from)).toBeUndefined();
    expect(await sessions.readAndTouch(to)).toMatchObject({ id: to.id, origin: { device: "Firefox on Linux" } });
    expect((await sessions.list(to.handle)).map(({ id }) => id)).toEqual([to.id]);
    // The answer to a rotation may have been lost: the same call says the same.
    expect(await sessions.rotate(from, to)).toMatchObject({ id: to.id });
    await sessions.revoke(to);
    expect(await sessions.rotate(from, to)).toBeUndefined();
    expect(await sessions.rotate(to, never)).toBeUndefined();
    expect(await sessions.list(to.handle)).toEqual([]);
  });

  it("starts the absolute time anew when a rotation follows a new proof, and only then", async () => {
    const sessions = storeWith();
    const refs = [newRef("user_proof"), newRef("user_proof"), newRef("user_proof")] as const;
    const { session: created } = await sessions.create(refs[0], { data });
    link.advance(5);
    const rotated = await sessions.rotate(refs[0], refs[1]);
    expect(rotated).toMatchObject({ authenticatedAt: created.createdAt, absoluteExpiresAt: created.absoluteExpiresAt });
    const proved = await sessions.rotate(refs[1], refs[2], { authenticated: true });
    expect(proved?.createdAt).toBe(created.createdAt);
    expect(proved?.authenticatedAt).toBe(created.createdAt + 5);
    expect(proved?.absoluteExpiresAt).toBe((proved?.authenticatedAt ?? 0) + defaultSessionPolicy.absoluteMs);
  });

  it("ends the session that a new one replaces, in the same step", async () => {
    const sessions = storeWith();
    const [old, fresh, other] = [newRef("user_replace"), newRef("user_replace"), newRef("user_replace")];
    await sessions.create(old, { data });
    await sessions.create(other, { data });
    expect(await sessions.create(fresh, { data, replaces: old })).toMatchObject({ ended: 1 });
    expect(await sessions.readAndTouch(old)).toBeUndefined();
    expect(new Set((await sessions.list(old.handle)).map(({ id }) => id))).toEqual(new Set([fresh.id, other.id]));
    await expect(sessions.create(newRef("user_a"), { data, replaces: newRef("user_b") })).rejects.toThrow("same user");
  });

  it("ends the other sessions, or all, of one user and of nobody else", async () => {
    const sessions = storeWith();
    const mine = Array.from({ length: 4 }, () => newRef("user_many"));
    const theirs = newRef("user_else");
    for (const ref of [...mine, theirs]) await sessions.create(ref, { data });
    const [first, second] = mine as [SessionRef, SessionRef];
    expect(await sessions.revokeOthers(first)).toBe(3);
    expect(await Promise.all(mine.map((ref) => sessions.readAndTouch(ref)))).toEqual([
      expect.objectContaining({ id: first.id }),
      undefined,
      undefined,
      undefined,
    ]);
    expect(await sessions.revokeOthers(first)).toBe(0);
    // A session that has ended itself ends no others.
    expect(await sessions.revokeOthers(second)).toBeUndefined();
    expect(await sessions.readAndTouch(first)).toBeDefined();
    expect(await sessions.revokeAll(first.handle)).toBe(1);
    expect(await sessions.readAndTouch(first)).toBeUndefined();
    expect(await sessions.revokeAll(first.handle)).toBe(0);
    expect(await sessions.readAndTouch(theirs)).toBeDefined();
  });

  it("lists live sessions, newest first, with where they were begun, touching none", async () => {
    const sessions = storeWith({ touchEveryMs: 0 });
    const refs = [newRef("user_list"), newRef("user_list"), newRef("user_list")] as const;
    const origin = { device: "Chrome on Android – 5%", network: "203.0.113.0/24" };
    for (const [i, ref] of refs.entries()) {
      await sessions.create(ref, { data, ...(i === 0 && { origin }) });
      link.advance(1);
    }
    await sessions.revoke(refs[1]);
    const live = (await sessions.list(refs[0].handle)).map(whole);
    expect(live.map(({ id, origin }) => [id, origin])).toEqual([
      [refs[2].id, {}],
      [refs[0].id, origin],
    ]);
    for (const { createdAt, lastSeenAt } of live) expect(lastSeenAt).toBe(createdAt);
    expect(await sessions.list(handleOf("user_none"))).toEqual([]);
  });

  it.runIf(isRest)("takes one round trip for each verb, and one more for a script the first time", async () => {
    const sessions = storeWith({ touchEveryMs: 0 });
    const requests: number[] = [];
    const { post: postAs } = Connections.prototype;
    let sent = 0;
    const post = vi.spyOn(Connections.prototype, "post");
    post.mockImplementation(function (this: Connections, ...call) {
      sent += 1;
      return postAs.apply(this, call);
    });
    try {
      for (let round = 0; round < 2; round++) {
        await link.engine.send(["SCRIPT", round === 0 ? "FLUSH" : "EXISTS", ...(round === 0 ? [] : ["x"])]);
        const [a, b] = [newRef("user_trips"), newRef("user_trips")];
        const verbs = [
          () => sessions.create(a, { data }),
          () => sessions.readAndTouch(a),
          () => sessions.update(a, data),
          () => sessions.rotate(a, b),
          () => sessions.list(a.handle),
          () => sessions.revoke(a),
          () => sessions.revokeAll(a.handle),
        ];
        for (const verb of verbs) {
          sent = 0;
          await verb();
          requests.push(sent);
        }
        sent = 0;
        await sessions.revokeOthers(b);
        expect(sent).toBe(1);
      }
    } finally {
      post.mockRestore();
    }
    expect(requests).toEqual([...Array(7).fill(2), ...Array(7).fill(1)]);
  });

  it("refuses a policy under which no session could live, or none would end", () => {
    expect(() => storeWith({ absoluteMs: 0 })).toThrow("absoluteMs");
    expect(() => storeWith({ idleMs: Number.NaN })).toThrow("idleMs");
  });

  it("honours none that its user's index does not name, as after an eviction: a logout of all devices would miss it", async () => {
    const sessions = storeWith();
    const user = `user_${randomUUID()}`;
    const [lost, other, later] = [newRef(user), newRef(user), newRef(user)];
    for (const ref of [lost, other]) await sessions.create(ref, { data });
    await link.engine.send(["DEL", `sessions:{${lost.handle}}`]);
    for (const verb of [
      () => sessions.readAndTouch(lost),
      () => sessions.update(lost, data),
      () => sessions.rotate(lost, newRef(user)),
      () => sessions.revokeOthers(lost),
    ])
      expect(await verb()).toBeUndefined();
    await sessions.create(later, { data });
    expect(await sessions.readAndTouch(other)).toBeUndefined();
    expect((await sessions.list(later.handle)).map(({ id }) => id)).toEqual([later.id]);
    expect(await sessions.revokeAll(later.handle)).toBe(1);
    for (const ref of [lost, other, later]) expect(await sessions.readAndTouch(ref)).toBeUndefined();
  });

  it("calls a record that it cannot read corrupt, and not absent", async () => {
    const ref = newRef();
    await link.engine.send(["SET", `session:{${ref.handle}}:${ref.id}`, "nonsense"]);
    await link.engine.send(["ZADD", `sessions:{${ref.handle}}`, "1", ref.id]);
    await expect(storeWith().readAndTouch(ref)).rejects.toMatchObject({
      reason: { tag: "store-corrupt", store: "redis", what: "session record" },
    });
  });
});
