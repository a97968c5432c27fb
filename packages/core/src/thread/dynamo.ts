import type { Clock } from "../clock.ts";
import { Owned, type Table, tableDefinition } from "../dynamo/index.ts";
import { refuseDamaged } from "../errors.ts";
import { ahead } from "../parallel.ts";
import { admit, admitNew } from "./admission.ts";
import { deletion } from "./deletion.ts";
import { editing } from "./edit.ts";
import { lifetimes } from "./lifetime.ts";
import { mark } from "./marker.ts";
import type { LeasePolicy } from "./policy.ts";
import { cancelled, type Ending, forgotten, type Turns } from "./queue.ts";
import { Recent } from "./recent.ts";
import {
  deadlineOf,
  isOver,
  mayBeBehind,
  storedLifetime,
  type ThreadRecord,
  threadItem,
  threadKey,
  threadsOf,
  toThread,
} from "./records.ts";
import { asInThread, RUNS } from "./run-records.ts";
import { running } from "./running.ts";
import { createRunStore } from "./runs.ts";
import { stepping } from "./step.ts";
import type { ThreadStore } from "./store.ts";
import { Watch } from "./watch.ts";

/** Runs of a list whose large requests are read at once. */
const READ_AHEAD = 8;
/** The most threads of a page whose records are asked for one by one. */
const SHORT = 20;

/** See docs/run-protocol.md, which names each step as it is named here. */
export function createThreadStore(table: Table, clock: Clock, policy: LeasePolicy): ThreadStore {
  const runs = createRunStore(table);
  const owned = new Owned(table, "thread");
  const watch = new Watch(clock, policy);
  const recents = new Recent(clock);
  const step = stepping(table, clock, recents);

  async function stored(id: string): Promise<ThreadRecord | undefined> {
    const item = await table.get(threadKey(id));
    if (item) recents.note(item);
    return item && toThread(item, clock.now());
  }

  /** A thread that is being deleted is absent, and so is one whose deadline has passed. */
  async function read(id: string, recent?: ThreadRecord): Promise<ThreadRecord | undefined> {
    const record = recent ?? (await stored(id));
    return record?.closedAt === undefined && record && !isOver(record, clock.now()) ? record : undefined;
  }

  /** An owner's record that is to be written to. Throws `record-damaged`: what is lost would be lost for good. */
  async function readWhole(id: string, owner: string, recent?: ThreadRecord): Promise<ThreadRecord | undefined> {
    const record = await read(id, recent);
    if (record?.thread.owner === owner) refuseDamaged(record.thread);
    return record;
  }

  return {
    async create(thread) {
      const now = clock.now();
      const item = threadItem(thread, now);
      const at = deadlineOf(thread.ttlMs, now);
      if (at !== undefined) await mark(table, thread.id, at);
      await owned.add(thread.owner, thread.id, item.expiresAt as number | undefined);
      if (await table.putIfAbsent(item)) {
        // The deletion of a thread that had this id may have taken the marker along.
        if (at !== undefined) await mark(table, thread.id, at);
        recents.note(item);
        return toThread(item, now).thread;
      }
      const there = await stored(thread.id);
      if (there?.thread.owner !== thread.owner || there.closedAt !== undefined)
        await table.deleteAll([owned.keyOf(thread.owner, thread.id)]);
      return false;
    },

    async get(id, owner) {
      const record = await read(id);
      return record?.thread.owner === owner ? record.thread : undefined;
    },

    async *list(owner, { order = "desc", firstPage } = {}) {
      const options = { descending: order === "desc", firstPage };
      const items = table.queryIndex(tableDefinition.index.name, threadsOf(owner), options);
      const isThere = async (id: string) => (await read(id))?.thread.owner === owner;
      for await (const item of owned.present(owner, items, {
        idOf: ({ pk }) => pk.slice(threadKey("").pk.length),
        isThere,
        ...(firstPage !== undefined && firstPage <= SHORT && { first: firstPage }),
      }))
        if (item.closedAt === undefined) {
          const listed = toThread(item, clock.now());
          // The index may be behind: a thread that seems to be over may have been written to since.
          const record = mayBeBehind(listed, clock.now()) ? await read(listed.thread.id) : listed;
          if (record?.thread.owner === owner) yield record.thread;
        }
    },

    async change(id, owner, { metadata, config, ttlMs, strategy }) {
      return step(
        id,
        () => readWhole(id, owner),
        ({ thread, turns }) => {
          if (thread.owner !== owner) return { result: undefined };
          const changed = {
            ...thread,
            metadata: { ...thread.metadata, ...metadata },
            config: config ?? thread.config,
            updatedAt: clock.now(),
            ...(ttlMs !== undefined && { ttlMs, strategy }),
          };
          const set = {
            metadata: JSON.stringify(changed.metadata),
            config: JSON.stringify(changed.config),
            ...storedLifetime({ ttlMs, strategy }),
          };
          const deadline = deadlineOf(changed.ttlMs, changed.updatedAt);
          return { result: { ...changed, ...(deadline !== undefined && { deadline }) }, write: { turns, set } };
        },
      );
    },

    ...editing({ clock, policy, watch, step, read: readWhole, stored }),

    admit: (run, options) =>
      admit(
        { table, clock, policy, watch, runs, step, read: (recent) => readWhole(run.threadId, run.owner, recent) },
        run,
        options,
      ),

    admitNew: (run, options) => admitNew({ table, clock, policy, runs, owned, recents }, run, options),

    ...running({ table, clock, policy, watch, runs, step, read, stored, recents }),

    async run(threadId, runId) {
      const [run, record] = await Promise.all([runs.get(threadId, runId), stored(threadId)]);
      if (!run || !record) return run;
      return isOver(record, clock.now()) ? undefined : asInThread(run, record.turns);
    },

    async *runs(threadId, owner) {
      const record = await stored(threadId);
      if (record && isOver(record, clock.now())) return;
      const { turns } = record ?? { turns: NO_TURNS };
      const range = { pk: threadKey(threadId).pk, prefix: RUNS, descending: true };
      for await (const found of ahead(table.query(range), READ_AHEAD, async (item) => {
        // A damaged run does not tell whose it was.
        if (item.owner !== owner && typeof item.owner === "string") return undefined;
        return asInThread(await runs.toRun(item), turns);
      }))
        if (found) yield found;
    },

    async cancel(threadId, runId, action) {
      let endings: Ending[] = [];
      const asked = await step<"ended" | "asked" | "gone" | "over">(
        threadId,
        () => stored(threadId),
        (record) => {
          const { turns } = record;
          if (isOver(record, clock.now())) return { result: "over" };
          endings = turns.ended.filter((one) => one.runId === runId);
          if (!turns.queue.some((entry) => entry.runId === runId))
            return { result: endings.length > 0 ? "ended" : "gone" };
          const next = cancelled(turns, (entry) => entry.runId === runId, action, clock.now());
          endings = next.ended;
          return { result: endings.length > 0 ? "ended" : "asked", write: { turns: next.turns } };
        },
      );
      await Promise.all(endings.map((ending) => runs.finish(threadId, ending)));
      if (asked === "ended" || asked === "asked") return asked;
      if (asked === "over") return "not-found";
      return (await runs.get(threadId, runId)) ? "ended" : "not-found";
    },

    ...deletion({ table, clock, owned }),

    ...lifetimes({ table, clock, watch, step, stored, readWhole }),

    async removeRun(threadId, runId) {
      await step(
        threadId,
        () => stored(threadId),
        ({ turns }) => ({ result: true, write: { turns: forgotten(turns, runId) } }),
      );
      await runs.discard(threadId, runId);
    },

    async endStray(threadId, runId) {
      let ending: Ending | undefined;
      let isGone = false;
      const found = await step<"in queue" | "stray">(
        threadId,
        () => stored(threadId),
        ({ turns }) => {
          ending = turns.ended.find((one) => one.runId === runId);
          isGone = turns.gone.includes(runId);
          if (turns.queue.some((entry) => entry.runId === runId)) return { result: "in queue" };
          // An admission that comes all the same finds that it is too late.
          return { result: "stray", write: { turns: { ...turns, gone: forgotten(turns, runId).gone } } };
        },
      );
      // A request to store it can have landed once more after its run was rolled back.
      if (!found || isGone) return runs.discard(threadId, runId);
      if (found === "in queue") return;
      const message = "The request for this run was cut short, so that it never began.";
      const error = { error: "Error", message };
      const stray = { runId, status: "error", at: clock.now(), fence: 0, attempt: 0, yields: 0, error } as const;
      await runs.putEnd(threadId, ending ?? stray);
    },

    unfinished: (dueBy) => runs.unfinished(dueBy),
  };
}

const NO_TURNS: Turns = { queue: [], ended: [], gone: [], fence: 0 };
