import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { begun, cancelled, entered, nextRun, released, settled, type Turns } from "./queue.ts";

const empty: Turns = { queue: [], ended: [], gone: [], fence: 0 };
const lease = (id: string) => ({ id, holder: "holder", expiresAt: 0 });

type Act = {
  what: "enter" | "begin" | "release" | "settle" | "interrupt" | "rollback";
  which: number;
  startAt: number;
};
const acts = fc.array(
  fc.record<Act>({
    what: fc.constantFrom("enter", "begin", "release", "settle", "interrupt", "rollback"),
    which: fc.nat(5),
    startAt: fc.nat(3),
  }),
  { maxLength: 40 },
);

function act(turns: Turns, { what, which, startAt }: Act, n: number): Turns {
  const runId = turns.queue[which]?.runId;
  const next = nextRun(turns, 0);
  if (what === "enter") return entered(turns, { id: `run-${n}`, createdAt: 0, startAt });
  if (what === "begin") return next && !turns.lease ? begun(turns, next.runId, lease(`lease-${n}`)) : turns;
  if (what === "release") return turns.lease ? released(turns) : turns;
  if (what === "settle") return turns.lease ? settled(turns, { status: "success", at: n }) : turns;
  return cancelled(turns, (entry) => entry.runId === runId, what, n).turns;
}

describe("a thread's queue", () => {
  it("has each run that entered once, in the queue or among those that have ended", () => {
    fc.assert(
      fc.property(acts, (all) => {
        let turns = empty;
        let fence = 0;
        const inQueue = () => [...turns.queue, ...turns.ended].map(({ runId }) => runId).sort();
        for (const [n, one] of all.entries()) {
          const before = inQueue();
          turns = act(turns, one, n);
          expect(inQueue()).toEqual(one.what === "enter" ? [...before, `run-${n}`].sort() : before);
          // The lease is of a run of the queue, and each has a higher fence than the one before.
          if (turns.lease) expect(turns.queue.map(({ runId }) => runId)).toContain(turns.lease.runId);
          expect(turns.fence).toBeGreaterThanOrEqual(fence);
          fence = turns.fence;
          for (const { attempt, yields } of turns.queue) expect(yields).toBeLessThanOrEqual(attempt);
        }
      }),
      { seed: 2026 },
    );
  });

  it("ends a run at once only if nothing of it has begun", () => {
    fc.assert(
      fc.property(acts, (all) => {
        let turns = empty;
        for (const [n, one] of all.entries()) {
          turns = act(turns, one, n);
          const { turns: rest, ended, asked } = cancelled(turns, () => true, "interrupt", n);
          expect(ended.every(({ attempt }) => attempt === 0)).toBe(true);
          expect(rest.queue.map(({ runId }) => runId)).toEqual(asked);
          expect(rest.queue.every(({ cancel, attempt }) => cancel !== undefined && attempt > 0)).toBe(true);
        }
      }),
      { seed: 2026 },
    );
  });

  it("begins the run that was left behind, then the one that is due first", () => {
    let turns = [30, 10, 20].reduce(
      (all, startAt, n) => entered(all, { id: `run-${n}`, createdAt: 0, startAt }),
      empty,
    );
    expect(nextRun(turns, 0)?.runId).toBe("run-1");
    turns = begun(turns, "run-0", lease("one"));
    expect(nextRun(turns, 0)?.runId).toBe("run-0");
    turns = released(turns);
    expect([nextRun(turns, 0)?.runId, nextRun(turns, 0)?.yields]).toEqual(["run-0", 1]);
    turns = settled(begun(turns, "run-0", lease("two")), {
      status: "error",
      at: 7,
      error: { error: "E", message: "m" },
    });
    expect(turns).toMatchObject({
      ended: [{ runId: "run-0", status: "error", at: 7, fence: 2, attempt: 2, yields: 1, error: { error: "E" } }],
      queue: [{ runId: "run-1" }, { runId: "run-2" }],
    });
    expect([turns.lease, nextRun(turns, 0)?.runId]).toEqual([undefined, "run-1"]);
  });

  it("begins the runs that are due in the order in which they came, by whatever clocks they were admitted", () => {
    const hour = 3_600_000;
    const at = (createdAt: number, delay = 0) => ({ createdAt, startAt: createdAt + delay });
    const turns = [at(hour), at(0, 20), at(-hour)].reduce(
      (all, run, n) => entered(all, { id: `run-${n}`, ...run }),
      empty,
    );
    expect(nextRun(turns, 10)?.runId).toBe("run-0");
    const [, ...queue] = turns.queue;
    expect([nextRun({ ...turns, queue }, 10)?.runId, nextRun({ ...turns, queue }, 20)?.runId]).toEqual([
      "run-2",
      "run-1",
    ]);
  });

  it("keeps the stronger of two wishes", () => {
    const under = begun(entered(empty, { id: "run", createdAt: 0, startAt: 0 }), "run", lease("one"));
    const wish = (...actions: ("interrupt" | "rollback")[]) =>
      actions.reduce((turns, action) => cancelled(turns, () => true, action, 0).turns, under).queue[0]?.cancel;
    expect([wish("interrupt", "rollback"), wish("rollback", "interrupt"), wish("interrupt")]).toEqual([
      ...["rollback", "rollback", "interrupt"],
    ]);
  });
});
