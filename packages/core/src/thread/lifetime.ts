/**
 * The lifetime of a thread, and of all that is in it. A thread that has one is over once nothing was written to its record for that
 * long: every write moves its deadline, and one with a run in its queue, or whose lease is held, goes on. The deadline stands in the
 * record, and each reader compares it, so that a thread is absent at its deadline without any sweep. No item of a thread has a TTL
 * of DynamoDB's, which would take some of its items before the others.
 *
 * With the strategy `keep_latest` the thread stays, and its floor rises at the deadline (`floorAt`): of what was put before, only the latest state is
 * seen. The next write of the record stores the floor where it is; until then each reader derives the same one.
 *
 * A sweep deletes what is over, and what is below a floor. It finds threads by a marker: see marker.ts. What it does cannot be wrong by a clock:
 * a thread is closed by a write on condition that nobody has written, and erased once its holder is known to have stopped (`holderOf`);
 * below a floor nothing is deleted before no lease under it can be in use, by the time that passed here.
 */
import type { Clock } from "../clock.ts";
import type { Table } from "../dynamo/index.ts";
import type { Incarnation } from "../incarnation.ts";
import { dueMarkers, type Marker, mark, moveMarker, removeMarker } from "./marker.ts";
import { CLOSED, floorAt, isAtWork, isOver, sortable, type ThreadRecord } from "./records.ts";
import type { Step } from "./step.ts";
import type { Overdue, ThreadStore } from "./store.ts";
import type { Watch } from "./watch.ts";

/** A marker without a thread may be that of one that is being made: so long after its instant it is not. */
const STRAY_MS = 3_600_000;
/** A thread whose older checkpoints are to go once its runs have ended is looked at again after so long. */
const BUSY_MS = 60_000;

interface Stores {
  table: Table;
  clock: Clock;
  watch: Watch;
  step: Step;
  stored: (id: string) => Promise<ThreadRecord | undefined>;
  readWhole: (id: string, owner: string) => Promise<ThreadRecord | undefined>;
}

/**
 * The instant at which the sweep has to look again at a thread in which it has nothing to do now; undefined where a write of the record tells
 * it when. The end of work in the thread is no such write: it moves the deadline, and leaves the marker to the sweep.
 */
function nextLook(record: ThreadRecord, now: number): number | undefined {
  const { deadline, strategy } = record.thread;
  const isBusy = isAtWork(record, now);
  if (record.isPruned && isBusy) return now + BUSY_MS;
  if (deadline === undefined || deadline > now) return deadline;
  return isBusy || strategy !== "keep_latest" ? now + 1000 : undefined;
}

type Lifetimes = Pick<
  ThreadStore,
  "expire" | "overdue" | "isAbsent" | "forgetAfter" | "prune" | "thin" | "noteRoot" | "noteSwept"
>;

export function lifetimes({ table, clock, watch, step, stored, readWhole }: Stores): Lifetimes {
  async function expire(id: string): Promise<string | undefined> {
    return step<string | undefined>(
      id,
      () => stored(id),
      (record) => {
        const now = clock.now();
        const { owner } = record.thread;
        if (!isOver(record, now)) return { result: undefined };
        if (record.closedAt !== undefined) return { result: owner };
        const closed = { owner, closedAt: now, ipk: CLOSED, isk: `${sortable(now)}#${id}` };
        return { result: owner, write: { turns: record.turns, set: closed } };
      },
    );
  }

  /** The floor of a thread that is still to be swept. */
  function unswept(record: ThreadRecord | undefined): number | undefined {
    const floor = record && record.closedAt === undefined ? floorAt(record, clock.now()) : undefined;
    return floor && record?.swept !== floor.fence ? floor.fence : undefined;
  }

  async function look(marker: Marker): Promise<Overdue | undefined> {
    const { id, at } = marker;
    const now = clock.now();
    const record = await stored(id);
    if (!record) return marker.isAfter || at + STRAY_MS < now ? { id, is: "gone", at } : undefined;
    if (record.closedAt !== undefined) return undefined;
    const owner = await expire(id);
    if (owner !== undefined) return { id, is: "over", owner };
    if (unswept(record) !== undefined) return { id, is: "thin" };
    const next = nextLook(record, now);
    if (next === undefined) await drop(marker, record);
    else await moveMarker(table, marker, next);
    return undefined;
  }

  /** Removes a marker that was seen. The thread may have got a deadline since its record was read, by a write that found the marker there. */
  async function drop(marker: Pick<Marker, "id" | "at">, seen?: ThreadRecord): Promise<void> {
    if (!(await removeMarker(table, marker))) return;
    const now = await stored(marker.id);
    const { deadline } = now?.thread ?? {};
    if (deadline !== undefined && now?.revision !== seen?.revision) await mark(table, marker.id, deadline);
  }

  /** Writes of a sweep, which are no activity in the thread. */
  const upkeep = (record: ThreadRecord, set: Record<string, unknown>) => ({ turns: record.turns, set, isUpkeep: true });

  return {
    expire,

    async *overdue() {
      for await (const marker of dueMarkers(table, clock.now())) {
        const found = await look(marker);
        if (found) yield found;
      }
    },

    isAbsent: async (id) => (await stored(id)) === undefined,

    forgetAfter: (gone) => drop(gone),

    async prune(id, owner) {
      const found = await step<boolean>(
        id,
        () => readWhole(id, owner),
        (record) => {
          const { thread, turns } = record;
          if (thread.owner !== owner) return { result: false };
          const now = clock.now();
          // Nothing was put since the floor rose, and nothing is under way: a mark would have the sweep look for nothing.
          const isDone = floorAt(record, now)?.fence === turns.fence && !isAtWork(record, now);
          return { result: true, write: { turns, ...(!isDone && { set: { prune: true } }) } };
        },
      );
      return found === true;
    },

    async thin(id) {
      return step<Incarnation | "later" | undefined>(
        id,
        () => stored(id),
        (record) => {
          const fence = unswept(record);
          const { turns, thread } = record;
          if (fence === undefined) return { result: undefined };
          // A holder of a higher fence has only seen what is above the floor, and the latest state.
          if (!turns.lease || turns.fence > fence) return { result: thread.incarnation };
          if (watch.left(id, turns.lease) > 0) return { result: "later" };
          const { lease: _, ...rest } = turns;
          return { result: thread.incarnation, write: { ...upkeep(record, {}), turns: rest } };
        },
      );
    },

    async noteRoot(id, { id: life, floor }, root) {
      return step<string | undefined>(
        id,
        () => stored(id),
        (record) => {
          const now = floorAt(record, clock.now());
          if (record.thread.incarnation.id !== life || !floor || now?.fence !== floor.fence)
            return { result: undefined };
          if (now.root !== undefined) return { result: now.root };
          return { result: root, write: upkeep(record, { floor: floor.fence, floorRoot: root }) };
        },
      );
    },

    async noteSwept(id, { id: life, floor }) {
      await step(
        id,
        () => stored(id),
        (record) => {
          const isSame = record.thread.incarnation.id === life && floorAt(record, clock.now())?.fence === floor?.fence;
          return { result: undefined, ...(isSame && { write: upkeep(record, { swept: floor?.fence }) }) };
        },
      );
    },
  };
}
