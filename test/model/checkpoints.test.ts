/**
 * Random histories of checkpoints against an oracle that keeps them whole: states that grow, shrink, slide and change in
 * the middle, of few channels and of many, forks from anywhere, copies, cold caches and two savers at once; pending writes and tasks that repeat the state, and
 * checkpoints that are put again after them. Every checkpoint is compared, all along.
 */
import {
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
  JsonPlusSerializer,
} from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sized } from "../support/runner/size.ts";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

interface Kept {
  writes: unknown[];
  versions: Record<string, number>;
  /** The values before they were put. */
  source: Record<string, unknown>;
  id: string;
  parent: string | undefined;
  values: Record<string, unknown>;
  metadata: CheckpointMetadata;
}

type Change =
  | { kind: "append"; bytes: number }
  | { kind: "trim"; count: number }
  | { kind: "slide"; bytes: number }
  | { kind: "edit" | "remove" | "insert" | "swap"; at: number; bytes: number }
  | { kind: "set"; channel: string; value: unknown }
  | { kind: "drop"; channel: string }
  /** Tasks that are sent with all messages, as LangChain's agents send their tool calls. */
  | { kind: "tasks"; count: number }
  /** One of the many channels of a wide state. */
  | { kind: "field"; at: number; bytes: number }
  | { kind: "clear" };

interface Step {
  change: Change;
  /** The checkpoint that it is put on: so many back from the newest put. */
  back: number;
  /** As `__copy__` does: the parent's state again, under the grandparent. */
  copy: boolean;
  saver: 0 | 1 | "cold";
  writes: WriteKind[];
  /** Puts the checkpoint once more after its writes, with other values. */
  again: Change | undefined;
}

/** A number, all of the state with something of its own, or the messages with an edit. */
type WriteKind = "number" | "state" | "edited";

const bytes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 900 }) },
  { weight: 2, arbitrary: fc.integer({ min: 2000, max: 20_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 300_000, max: 600_000 }) },
);
const at = fc.nat(1000);
/** The number of channels that makes heads long enough to be differences to one before. */
const WIDTH = 40;
const value = fc.oneof(
  fc.constantFrom(null, undefined, "", "héllo wörld 🐎", "\ud800", 0, -0.5, true, [], {}),
  fc.uint8Array({ maxLength: 300 }),
  fc.record({ deep: fc.array(fc.string({ unit: "binary" })) }),
  fc.string({ maxLength: 2000 }),
);
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("append" as const), bytes }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("trim" as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("slide" as const), bytes }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom("edit", "remove", "insert", "swap"), at, bytes }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("set" as const), channel: fc.constantFrom("a", "b", "c#%"), value }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("field" as const), at: fc.nat(WIDTH - 1), bytes: fc.nat(60) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), channel: fc.constantFrom("a", "b") }) },
  { weight: 1, arbitrary: fc.constant({ kind: "clear" as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("tasks" as const), count: fc.integer({ min: 1, max: 3 }) }) },
);
const step: fc.Arbitrary<Step> = fc.record({
  change,
  back: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(60) }),
  copy: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
  saver: fc.constantFrom(0 as const, 0 as const, 0 as const, 1 as const, "cold" as const),
  writes: fc.array(fc.constantFrom<WriteKind[]>("number", "state", "edited"), { maxLength: 2 }),
  again: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: change }),
});

const serde = new JsonPlusSerializer();
const roundTrip = async (value: unknown) => serde.loadsTyped(...(await serde.dumpsTyped(value)));

let seed = 1;
function content(length: number): string {
  let text = "";
  while (text.length < length) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    text += `${seed.toString(36)} `;
  }
  return text.slice(0, length);
}

function apply(values: Record<string, unknown>, change: Change): Record<string, unknown> {
  const messages = [...((values.messages as unknown[] | undefined) ?? [])];
  const made = (length: number) => ({ type: "human", id: content(8), content: content(length), extra: {} });
  const place = "at" in change && messages.length > 0 ? change.at % messages.length : 0;
  switch (change.kind) {
    case "append":
      messages.push(made(change.bytes));
      break;
    case "trim":
      messages.splice(0, change.count);
      break;
    case "slide":
      messages.splice(0, 1);
      messages.push(made(change.bytes));
      break;
    case "edit":
      messages[place] = made(change.bytes);
      break;
    case "insert":
      messages.splice(place, 0, made(change.bytes));
      break;
    case "remove":
      messages.splice(place, 1);
      break;
    case "swap":
      messages.unshift(...messages.splice(place, 2));
      break;
    case "set":
      return { ...values, [change.channel]: change.value };
    case "drop": {
      const { [change.channel]: _, ...rest } = values;
      return rest;
    }
    case "field":
      return { ...values, [`field ${change.at}`]: content(change.bytes) };
    case "clear":
      return { ...values, messages: [] };
    case "tasks":
      return {
        ...values,
        __pregel_tasks: Array.from({ length: change.count }, (_, n) => ({
          node: "tools",
          args: { messages, call: n },
        })),
      };
  }
  return { ...values, messages };
}

const wide = () => Object.fromEntries(Array.from({ length: WIDTH }, (_, n) => [`field ${n}`, content(30)]));

/** The parent's, with `version` for each channel whose value is another. */
function versionsOf(values: Record<string, unknown>, on: Kept | undefined, version: number): Record<string, number> {
  const isSame = (channel: string) => on !== undefined && values[channel] === on.source[channel];
  return Object.fromEntries(
    Object.keys(values).map((channel) => [channel, isSame(channel) ? (on?.versions[channel] ?? version) : version]),
  );
}

function written(kind: WriteKind, task: number, values: Record<string, unknown>): unknown {
  if (kind === "number") return task;
  if (kind === "state") return { node: "tools", args: { ...values, call: content(50) } };
  return apply(values, { kind: "edit", at: task, bytes: 100 }).messages;
}

describe.each(dynamoEngines)("checkpoints on $name", ({ name, open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());
  let threads = 0;

  it("are each what was put, whatever else was", async () => {
    const savers = [0, 1].map(() => newSaver());
    function newSaver(options = {}) {
      return new DynamoDBSaver({ client: table.client, tableName: table.tableName, ...options });
    }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 90 }), fc.boolean(), async (steps, isWide) => {
        const thread_id = `fuzz-${threads++}`;
        const at = (checkpoint_id?: string) => ({
          configurable: { thread_id, checkpoint_ns: "", ...(checkpoint_id !== undefined && { checkpoint_id }) },
        });
        const kept: Kept[] = [];
        const saverOf = ({ saver }: Pick<Step, "saver">) =>
          saver === "cold" ? newSaver({ cacheBytes: 50_000 }) : (savers[saver] as DynamoDBSaver);
        const expectKept = async (tuple: CheckpointTuple | undefined, wanted: Kept | undefined) => {
          expect(tuple?.checkpoint.id).toBe(wanted?.id);
          expect(tuple?.checkpoint.channel_values).toEqual(wanted?.values);
          expect(tuple?.metadata).toEqual(wanted?.metadata);
          expect(tuple?.parentConfig?.configurable?.checkpoint_id).toBe(wanted?.parent);
        };

        for (const [i, one] of steps.entries()) {
          const saver = saverOf(one);
          const on = kept.at(-1 - (one.back % Math.max(1, kept.length)));
          const base = one.copy ? kept.find(({ id }) => id === on?.parent) : on;
          const wanted = one.copy && on ? on.source : apply(on?.source ?? (isWide ? wide() : {}), one.change);
          const versions = versionsOf(wanted, on, i);
          const id = `1f0c${String(i).padStart(4, "0")}-0000-6000-8000-${content(12).replace(/ /g, "0")}`;
          const checkpoint: Checkpoint = {
            v: 4,
            id,
            ts: new Date(0).toISOString(),
            channel_values: wanted,
            channel_versions: versions,
            versions_seen: { node: versions },
          };
          const metadata: CheckpointMetadata = { source: "loop", step: i, parents: {} };
          await saver.put(at(base?.id), checkpoint, metadata, base ? {} : versions);
          const valuesOf = async (all: Record<string, unknown>) =>
            Object.fromEntries(
              await Promise.all(Object.entries(all).map(async ([channel, value]) => [channel, await roundTrip(value)])),
            );
          const values = await valuesOf(wanted);
          const own: Kept = { id, parent: base?.id, values, source: wanted, versions, metadata, writes: [] };
          kept.push(own);
          for (const [task, kind] of one.writes.entries()) {
            const value = written(kind, task, wanted);
            await saver.putWrites(at(id), [["messages", value]], `task-${task}`, `path-${task}`);
            own.writes.push(await roundTrip(value));
          }
          if (one.again) {
            const other = apply(wanted, one.again);
            const channel_versions = versionsOf(other, own, i + 0.5);
            const replaced = { ...checkpoint, channel_values: other, channel_versions };
            await saver.put(at(base?.id), replaced, metadata, base ? {} : channel_versions);
            Object.assign(own, { values: await valuesOf(other), source: other, versions: channel_versions });
          }
          if (i % 7 === 0) await expectKept(await saverOf(one).getTuple(at()), kept.at(-1));
          if (i % 5 === 0) await expectKept(await saver.getTuple(at(on?.id)), on ?? kept.at(-1));
        }

        const cold = newSaver();
        const listed: CheckpointTuple[] = [];
        for await (const tuple of cold.list(at())) listed.push(tuple);
        expect(listed.length).toBe(kept.length);
        for (const [i, tuple] of listed.entries()) {
          await expectKept(tuple, kept.at(-1 - i));
          const writes = kept.at(-1 - i)?.writes ?? [];
          expect(tuple.pendingWrites).toEqual(writes.map((value, n) => [`task-${n}`, "messages", value]));
        }
        for (const one of kept.slice(0, 10)) await expectKept(await newSaver().getTuple(at(one.id)), one);
      }),
      { numRuns: name === "dynalite" ? sized(5, 20) : sized(2, 5), seed: 2026, endOnFailure: true },
    );
  });
});
