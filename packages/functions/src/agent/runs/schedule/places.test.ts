import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Places } from "./places.ts";

/** Lets threads wait as the runner does: only where they get no place at once. */
function crowd(max: number) {
  const places = new Places(() => max);
  const under = new Map<string, { user: string; free: () => void }>();
  const waiting: { threadId: string; user: string }[] = [];
  let made = 0;
  const fill = () => {
    const begun: string[] = [];
    for (let next = places.next(); next; next = places.next()) {
      const { threadId, user, free } = next;
      const first = waiting.findIndex((one) => one.user === user);
      expect(waiting[first]?.threadId).toBe(threadId);
      waiting.splice(first, 1);
      under.set(threadId, { user, free });
      begun.push(user);
    }
    return begun;
  };
  return {
    places,
    under,
    waiting,
    ask(user: string): boolean {
      made += 1;
      const threadId = `${user}-${made}`;
      const free = places.take(user);
      if (free) under.set(threadId, { user, free });
      else {
        places.wait(threadId, user);
        waiting.push({ threadId, user });
      }
      return free !== undefined;
    },
    /** Ends a run, and says whose begin. */
    end(threadId: string | undefined): string[] {
      under.get(threadId ?? "")?.free();
      under.delete(threadId ?? "");
      return fill();
    },
    held: (user: string) => [...under.values()].filter((one) => one.user === user).length,
  };
}

describe("places", () => {
  it("are left for the others when one user wants them all", () => {
    const { ask, held } = crowd(10);
    for (let run = 0; run < 100; run++) ask("ada");
    expect(held("ada")).toBe(8);
    expect([ask("bob"), ask("bob"), ask("cleo"), ask("dan")]).toEqual([true, false, true, false]);
  });

  it("go to who has the fewest, and of those with equally many to who was served longest ago", () => {
    const { ask, end, under } = crowd(10);
    for (let run = 0; run < 100; run++) ask("ada");
    for (const user of ["bob", "cleo"]) for (let run = 0; run < 5; run++) ask(user);
    ask("dan");
    const begun: string[] = [];
    for (let ended = 0; ended < 9; ended++) {
      const [oldest] = [...under].find(([, { user }]) => user === "ada") ?? [];
      begun.push(...end(oldest));
    }
    expect(begun.slice(0, 5)).toEqual(["dan", "bob", "cleo", "bob", "ada"]);
  });

  it("are given in the order in which a user's threads came, and never twice for one thread", () => {
    const { places, ask, end, under } = crowd(1);
    ask("ada");
    for (let times = 0; times < 3; times++) places.wait("again", "bob");
    expect(places.isWaiting("again")).toBe(true);
    expect(places.clear()).toEqual(["again"]);
    expect(places.isWaiting("again")).toBe(false);
    for (let run = 0; run < 5; run++) ask("ada");
    for (let run = 0; run < 6; run++) end([...under.keys()][0]);
    expect(under.size).toBe(0);
  });

  it("are never more than there are, and nobody waits who may have one", () => {
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.record({ ask: fc.constantFrom("ada", "bob", "cleo", "dan") }) },
      { weight: 2, arbitrary: fc.record({ end: fc.nat(1000) }) },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(operation, { maxLength: 200 }), (max, operations) => {
        const { places, ask, end, under, waiting, held } = crowd(max);
        for (const operation of operations) {
          if ("ask" in operation) ask(operation.ask);
          else end([...under.keys()][operation.end % Math.max(1, under.size)]);
          expect(under.size).toBeLessThanOrEqual(max);
          // A user without one waits only where all are taken: nobody else has the last one.
          for (const { user } of waiting) {
            expect(places.isOpenTo(user)).toBe(false);
            if (held(user) === 0) expect(under.size).toBe(max);
          }
        }
        while (under.size > 0) end([...under.keys()][0]);
        expect(waiting).toEqual([]);
      }),
      { seed: 2026 },
    );
  });
});
