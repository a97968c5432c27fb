/** Random sequences of session verbs, with time moved between them, against the oracle. */
import { createSessionStore, type Session, type SessionPolicy, type SessionStore } from "@tenure/core/session";
import { keyedHandle, newToken, type SessionRef } from "@tenure/core/token";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sized } from "../support/runner/size.ts";
import { movedEngines } from "../support/stores/moved-clock.ts";
import { type Behind, behindGateway } from "../support/stores/redis.ts";
import { whole } from "../support/stores/whole-session.ts";
import { type Known, SessionOracle } from "./session-oracle.ts";

const maybe = (found: Parameters<typeof whole<string>>[0] | undefined) => found && whole(found);
const MINUTE = 60_000;
const policy: SessionPolicy = {
  idleMs: 30 * MINUTE,
  absoluteMs: 45 * MINUTE,
  touchEveryMs: MINUTE,
  maxPerUser: 3,
};
const USERS = 2;
const SLOTS = 6;

type Step =
  | { verb: "create"; slot: number; user: number; replaces: number | undefined }
  | { verb: "read" | "revoke" | "revokeOthers"; slot: number }
  | { verb: "update"; slot: number; value: string; stale: boolean | undefined }
  | { verb: "rotate"; slot: number; to: number; authenticated: boolean }
  | { verb: "revokeAll" | "list"; user: number }
  | { verb: "advance"; ms: number }
  /** To the last millisecond of a session's life, or the first one after it. */
  | { verb: "advanceToDeadline"; slot: number; past: boolean };

/** Slot 0 in every second step, so that some session has a life of many steps. */
const slot = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: SLOTS - 1 }));
const user = fc.integer({ min: 0, max: USERS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      verb: fc.constant("create" as const),
      slot,
      user,
      replaces: fc.option(slot, { nil: undefined, freq: 3 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ verb: fc.constantFrom("read" as const, "revoke" as const, "revokeOthers" as const), slot }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      verb: fc.constant("update" as const),
      slot,
      value: fc.string({ maxLength: 20 }),
      stale: fc.option(fc.boolean(), { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ verb: fc.constant("rotate" as const), slot, to: slot, authenticated: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ verb: fc.constantFrom("revokeAll" as const, "list" as const), user }) },
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constant("advance" as const),
      ms: fc.constantFrom(1, MINUTE - 1, MINUTE, 10 * MINUTE, 25 * MINUTE),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ verb: fc.constant("advanceToDeadline" as const), slot, past: fc.boolean() }),
  },
);

describe.each(movedEngines)("the session store on $name", ({ open }) => {
  let moved: Awaited<ReturnType<typeof open>>;
  let behind: Behind;
  beforeAll(async () => {
    moved = await open();
    behind = await behindGateway(moved.engine);
  });
  afterAll(async () => {
    await moved.close();
    await behind.close();
  });

  it("does what the oracle says, whatever is done to it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        await moved.engine.send(["FLUSHALL"]);
        const store = createSessionStore({ redis: behind.store, policy, data: { parse: String } });
        const run = new Run(store);
        for (const one of steps) {
          if (one.verb === "advance") moved.advance(one.ms);
          else if (one.verb === "advanceToDeadline")
            moved.advance(run.untilDeadline(one.slot, moved.now(), one.past ? 1 : 0));
          else await run.take(one, moved.now());
        }
      }),
      { numRuns: sized(60, 400), seed: 2026 },
    );
  });
});

/** A sequence of steps on the store and the oracle side by side. A slot is a reference that is used for one session at a time. */
class Run {
  private readonly store: SessionStore<string>;
  private readonly oracle = new SessionOracle(policy);
  private readonly users = Array.from({ length: USERS }, (_, i) =>
    keyedHandle("pepper", "user", `${i}-${Math.random()}`),
  );
  private readonly slots = new Map<number, { ref: SessionRef; user: number }>();

  constructor(store: SessionStore<string>) {
    this.store = store;
  }

  untilDeadline(slot: number, now: number, beyond: number): number {
    const known = this.oracle.record(this.slots.get(slot)?.ref.id ?? "");
    return known ? Math.max(0, this.oracle.deadline(known) + beyond - now) : 0;
  }

  async take(step: Exclude<Step, { verb: "advance" | "advanceToDeadline" }>, now: number): Promise<void> {
    switch (step.verb) {
      case "create": {
        const ref = newToken(this.users[step.user] as string).ref;
        const replaces = this.slots.get(step.replaces ?? -1);
        const same = replaces?.user === step.user ? replaces.ref : undefined;
        this.slots.set(step.slot, { ref, user: step.user });
        const { session, ended } = await this.store.create(ref, { data: "", ...(same && { replaces: same }) });
        const expected = this.oracle.create(ref.id, step.user, "", same?.id, session.readAt);
        expect([step, ended]).toEqual([step, expected]);
        this.compare(step, session, this.oracle.record(ref.id));
        return;
      }
      case "revokeAll":
        expect([step, await this.store.revokeAll(this.users[step.user] as string)]).toEqual([
          step,
          this.oracle.revokeAll(step.user, undefined, now),
        ]);
        return;
      case "list": {
        const found = (await this.store.list(this.users[step.user] as string)).map(whole);
        const expected = this.oracle.list(step.user, found[0]?.readAt ?? now);
        expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
        for (const [i, one] of found.entries()) this.compare(step, one, expected[i]);
        return;
      }
      default:
        await this.takeOne(step, now);
    }
  }

  private async takeOne(
    step: Extract<Step, { verb: "read" | "update" | "rotate" | "revoke" | "revokeOthers" }>,
    now: number,
  ): Promise<void> {
    const held = this.slots.get(step.slot);
    if (!held) return;
    const { ref } = held;
    switch (step.verb) {
      case "read": {
        const found = await this.store.readAndTouch(ref);
        return this.compare(step, found, this.oracle.read(ref.id, found?.readAt ?? now));
      }
      case "update": {
        const current = this.oracle.record(ref.id)?.revision ?? 0;
        const revision = step.stale === undefined ? undefined : step.stale ? current + 7 : current;
        const found = await this.store.update(ref, step.value, revision);
        const expected = this.oracle.update(ref.id, step.value, revision, now);
        if (found === "stale" || expected === "stale") expect([step, found]).toEqual([step, expected]);
        else this.compare(step, found, expected);
        return;
      }
      case "rotate": {
        const to = newToken(ref.handle).ref;
        const options = { authenticated: step.authenticated };
        const found = await this.store.rotate(ref, to, options);
        this.compare(step, found, this.oracle.rotate(ref.id, to.id, step.authenticated, found?.readAt ?? now));
        // As after a lost reply.
        this.compare(step, await this.store.rotate(ref, to, options), this.oracle.rotate(ref.id, to.id, false, now));
        this.slots.set(step.to, { ref: to, user: held.user });
        return;
      }
      case "revoke":
        return this.compare(step, maybe(await this.store.revoke(ref)), this.oracle.revoke(ref.id, now));
      case "revokeOthers":
        expect([step, await this.store.revokeOthers(ref)]).toEqual([
          step,
          this.oracle.revokeAll(held.user, ref.id, now),
        ]);
    }
  }

  private compare(step: Step, found: Session<string> | undefined, expected: Known | undefined): void {
    const { id, data, revision, createdAt, authenticatedAt, lastSeenAt, absoluteExpiresAt } = found ?? {};
    const seen = found && { id, data, revision, createdAt, authenticatedAt, lastSeenAt, absoluteExpiresAt };
    const { user: _, ...wanted } = expected ?? { user: 0 };
    expect([step, seen]).toEqual([step, expected && wanted]);
    if (found && expected) expect(found.idleExpiresAt).toBe(this.oracle.deadline(expected));
  }
}
