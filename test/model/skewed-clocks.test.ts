/** "Latest" follows parents, not clocks: lives of several processes whose clocks differ, and what each of them then reads. */
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { DynamoDBSaver, incarnationConfig } from "@tenure/core/checkpoint";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { sized } from "../support/runner/size.ts";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";
import { idAt, listed, type Mode, SkewedLife, skews, turns } from "./skewed-lives.ts";

const HOUR = 3_600_000;

describe.each(dynamoEngines)("processes whose clocks differ, on $name", ({ name, open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());
  const saverOn = (options = {}) => new DynamoDBSaver({ client: table.client, tableName: table.tableName, ...options });

  it.each<Mode>(["lease", "alone"])("read what parents say, and all of it: %s", async (mode) => {
    await fc.assert(
      fc.asyncProperty(turns, skews, async (turns, skews) => {
        const life = new SkewedLife(table, mode, skews);
        for (const [n, turn] of turns.entries()) {
          const { run, base, put } = await life.take(turn);
          if (mode === "lease" && base !== undefined) {
            const progress = await life.newSaver().progressOf(life.at(turn.back > 0 ? base : undefined), run);
            expect(progress.checkpoint?.checkpoint.id).toBe(put.at(-1)?.id);
            if (turn.back > 0) expect(progress.writes).toEqual([[`input of ${run}`, "input", run]]);
            expect((await life.newSaver().progressOf(life.at(base), "another")).writes).toEqual([]);
          }
          if (turn.isUndone) await life.undo(run);
          await expectLatest(life, n % 2 === 0 ? life.newSaver() : life.warm(n % 3));
        }
        await expectWhole(life);
        await expectListed(life);
      }),
      { numRuns: name === "dynalite" ? sized(10, 40) : sized(2, 5), seed: 2026, endOnFailure: true },
    );
  });

  async function expectLatest(life: SkewedLife, saver: DynamoDBSaver): Promise<void> {
    const latest = (await saver.getTuple(life.at()))?.checkpoint;
    const ids = await listed(saver.list(life.at()));
    expect([...ids].sort()).toEqual(life.visible.map(({ id }) => id).sort());
    expect(latest?.id).toBe(ids[0]);
    if (life.mode === "lease" || !life.hasForked) expect(ids).toEqual(life.visible.map(({ id }) => id).reverse());
    for (const { id, parent } of life.visible)
      if (parent !== undefined && ids.includes(parent)) expect(ids.indexOf(id)).toBeLessThan(ids.indexOf(parent));
  }

  /** Each checkpoint is what was put, for a process that knows nothing, and so is the history of what was written before it. */
  async function expectWhole(life: SkewedLife): Promise<void> {
    const cold = life.newSaver({ cacheBytes: 1 });
    for (const [n, { id, parent, values }] of life.visible.toReversed().entries()) {
      const tuple = await cold.getTuple(life.at(id));
      expect(tuple?.checkpoint.channel_values).toEqual(values);
      expect(tuple?.parentConfig?.configurable?.checkpoint_id).toBe(parent);
      if (n % 5 > 0) continue;
      const { log } = await cold.getDeltaChannelHistory({ config: life.at(id), channels: ["log"] });
      expect(log?.writes.map(([, , value]) => value)).toEqual(life.before(id));
    }
  }

  async function expectListed(life: SkewedLife): Promise<void> {
    const copy = {
      configurable: { ...incarnationConfig({ id: "copy", undone: [] }), thread_id: `${life.thread} copy` },
    };
    const ids = await listed(life.newSaver().list(life.at()));
    const middle = ids[ids.length >> 1];
    const older = life.newSaver().list(life.at(), { before: life.at(middle), limit: 3 });
    expect(await listed(older)).toEqual(ids.slice(ids.indexOf(middle ?? "") + 1).slice(0, 3));
    expect(await life.newSaver().copyThread(life.at(), copy)).toBe(ids.length);
    expect(await listed(saverOn().list(copy))).toEqual(ids);
    expect((await saverOn().getTuple(copy))?.checkpoint.id).toBe(ids[0]);
  }

  it.each([200, 1000, HOUR])("go on with each other's state when one is %i ms behind", async (behind) => {
    const thread = { configurable: { thread_id: `handover-${behind}-${name}` } };
    const State = Annotation.Root({
      said: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
    });
    const graphOn = (saver: DynamoDBSaver) =>
      new StateGraph(State)
        .addNode("answer", ({ said }) => ({ said: [`answer to ${said.at(-1)}`] }))
        .addEdge(START, "answer")
        .compile({ checkpointer: saver as never });
    const graphs = [graphOn(saverOn()), graphOn(saverOn())];
    const expected: string[] = [];
    const real = Date.now;
    for (let turn = 0; turn < 6; turn++) {
      const clock = vi.spyOn(Date, "now").mockImplementation(() => real() - (turn % 2) * behind);
      try {
        await graphs[turn % 2]?.invoke({ said: [`question ${turn}`] }, thread);
      } finally {
        clock.mockRestore();
      }
      expected.push(`question ${turn}`, `answer to question ${turn}`);
      for (const graph of [graphOn(saverOn()), ...graphs])
        expect((await graph.getState(thread)).values.said).toEqual(expected);
    }
  });

  it("do not show what a former holder's late write has left", async () => {
    const id = (ahead: number, step: number) => idAt(Date.now() + ahead, step);
    const at = (fence: number | undefined, checkpoint_id?: string) => ({
      configurable: {
        ...incarnationConfig({ id: "life", undone: [], ...(fence !== undefined && { fence }) }),
        thread_id: `late-${name}`,
        ...(checkpoint_id && { checkpoint_id }),
      },
    });
    const put = (saver: DynamoDBSaver, fence: number, id: string, on?: string) =>
      saver.put(
        at(fence, on),
        { v: 4, id, ts: "", channel_values: {}, channel_versions: {}, versions_seen: {} },
        { source: "loop", step: 0, parents: {} },
        {},
      );
    const [frozen, next] = [saverOn(), saverOn()];
    const [first, late, second, third] = [id(HOUR, 0), id(HOUR, 1), id(0, 1), id(0, 2)];
    await put(frozen, 1, first);
    expect((await next.getTuple(at(2)))?.checkpoint.id).toBe(first);
    await put(next, 2, second, first);
    await put(frozen, 1, late, first);
    for (const saver of [saverOn(), next])
      for (const fence of [undefined, 2, 3]) expect((await saver.getTuple(at(fence)))?.checkpoint.id).toBe(second);
    await put(next, 2, third, second);
    for (const saver of [saverOn(), next]) expect((await saver.getTuple(at(undefined)))?.checkpoint.id).toBe(third);
    const fourth = id(0, 3);
    const last = saverOn();
    expect((await last.getTuple(at(3)))?.checkpoint.id).toBe(third);
    await put(last, 3, fourth, third);
    expect((await listed(saverOn().list(at(undefined))))[0]).toBe(fourth);
  });
});
