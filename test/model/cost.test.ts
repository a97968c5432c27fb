/**
 * The cost of the saver in units, for states as agents have them: flat in the age of a thread, and never above storing all of it. Counts
 * are exact, since DynamoDB is one in memory that charges as the real one does.
 */
import { deflateRawSync } from "node:zlib";
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { Annotation, END, MessagesAnnotation, Send, START, StateGraph } from "@langchain/langgraph";
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { describe, expect, it } from "vitest";
import { randomOf } from "../support/random.ts";
import { chargedTable } from "../support/stores/charged-table.ts";

const WORDS =
  "the of and to in is it you that he was for on are with as his they be at one have this from by hot".split(" ");
function textOf(seed: number, bytes: number): string {
  const random = randomOf(seed);
  let text = "";
  while (text.length < bytes) text += `${WORDS[random(WORDS.length)]}${random(7) === 0 ? random(1000) : ""} `;
  return text.slice(0, bytes);
}
const idOf = (seed: number) => {
  const random = randomOf(seed);
  return Array.from({ length: 4 }, () => random(2 ** 31).toString(16)).join("-");
};

/** Bytes that do not deflate. */
const noise = Uint8Array.from(
  { length: 40_000 },
  (
    (random) => () =>
      random(256)
  )(randomOf(3)),
);

function open() {
  const table = chargedTable();
  const saver = () => new DynamoDBSaver({ client: table.client, tableName: "t" });
  return { ...table, saver };
}
const at = (thread_id: string) => ({ configurable: { thread_id, checkpoint_ns: "" } });

async function putAll(saver: DynamoDBSaver, states: Iterable<Record<string, unknown>>, onPut?: (n: number) => unknown) {
  let config = at("t");
  let n = 0;
  for (const channel_values of states) {
    const versions = Object.fromEntries(Object.keys(channel_values).map((name) => [name, n + 1]));
    const checkpoint = { ...emptyCheckpoint(), id: uuid6(n), channel_values, channel_versions: versions };
    config = (await saver.put(config, checkpoint, { source: "loop", step: n, parents: {} }, versions)) as typeof config;
    await onPut?.(n++);
  }
}

describe("units of the saver", () => {
  it("are the same each turn for an agent that sends its tool calls with the state", async () => {
    const { saver, charges } = open();
    let n = 0;
    const ai = (calls: number) =>
      new AIMessage({
        id: idOf(++n),
        content: calls > 0 ? "" : textOf(n, 300),
        tool_calls: Array.from({ length: calls }, (_, i) => ({ name: "lookup", id: `${n}-${i}`, args: {} })),
      });
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("model", ({ messages }) => ({ messages: [ai(messages.at(-1)?.getType() === "tool" ? 0 : 2)] }))
      .addNode("tools", ({ call }: never) => ({
        messages: [
          new ToolMessage({ id: idOf(++n), content: textOf(n, 300), tool_call_id: (call as { id: string }).id }),
        ],
      }))
      .addEdge(START, "model")
      .addEdge("tools", "model")
      .addConditionalEdges(
        "model",
        (state) => {
          const calls = (state.messages.at(-1) as AIMessage).tool_calls ?? [];
          return calls.length > 0 ? calls.map((call) => new Send("tools", { ...state, call })) : END;
        },
        ["tools", END],
      )
      .compile({ checkpointer: saver() });
    const spent: number[] = [];
    for (let turn = 0; turn < 60; turn++) {
      await graph.invoke({ messages: [new HumanMessage({ id: idOf(++n), content: textOf(n, 300) })] }, at("t"));
      spent.push(charges.writeUnits);
    }
    const turns = (from: number, to: number) => ((spent[to] ?? 0) - (spent[from] ?? 0)) / (to - from);
    expect(turns(45, 59) / turns(5, 19)).toBeLessThan(1.1);
    // A turn has five checkpoints and five calls that write: ten are the least.
    expect(turns(5, 59)).toBeLessThan(1.3 * 11);
  });

  it("are the same each turn for a graph whose part has the same messages", async () => {
    const { saver, charges } = open();
    let n = 0;
    const answer = () => ({ messages: [new AIMessage({ id: idOf(++n), content: textOf(n, 300) })] });
    const team = new StateGraph(MessagesAnnotation)
      .addNode("research", answer)
      .addEdge(START, "research")
      .addEdge("research", END)
      .compile();
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("team", team)
      .addNode("close", answer)
      .addEdge(START, "team")
      .addEdge("team", "close")
      .addEdge("close", END)
      .compile({ checkpointer: saver() });
    const spent: number[] = [];
    for (let turn = 0; turn < 110; turn++) {
      await graph.invoke({ messages: [new HumanMessage({ id: idOf(++n), content: textOf(n, 300) })] }, at("t"));
      spent.push(charges.writeUnits);
    }
    const turns = (from: number, to: number) => ((spent[to] ?? 0) - (spent[from] ?? 0)) / (to - from);
    // A turn costs more or less by what is in heads yet: that comes again every 13 turns.
    expect(turns(70, 109) / turns(20, 59)).toBeLessThan(1.1);
    // A turn has seven checkpoints and five calls that write.
    expect(turns(20, 109)).toBeLessThan(1.5 * 12);
  });

  it("are those of the change, for a document that a node edits", async () => {
    const { saver, charges } = open();
    const random = randomOf(2);
    const State = Annotation.Root({ document: Annotation<{ text: string }[]>, n: Annotation<number> });
    const graph = new StateGraph(State)
      .addNode("edit", ({ document, n }) => {
        const copy = structuredClone(document);
        (copy[random(copy.length)] as { text: string }).text = textOf(1000 + n, 40);
        return { document: copy, n: n + 1 };
      })
      .addEdge(START, "edit")
      .addConditionalEdges("edit", ({ n }) => (n < 20 ? "edit" : END), ["edit", END])
      .compile({ checkpointer: saver() });
    const document = Array.from({ length: 2000 }, (_, n) => ({ text: textOf(n, 200) }));
    await graph.invoke({ document, n: 0 }, { ...at("t"), recursionLimit: 50 });
    const whole = Math.ceil(deflateRawSync(JSON.stringify(document)).length / 1024);
    // The input is written and put once; of twenty edits each is a write and a checkpoint.
    expect(charges.writeUnits).toBeLessThan(2.2 * whole + 20 * 6);
  });

  it("do not rise with the age of a thread whose value is rewritten behind a part that stays", async () => {
    const { saver, chargesOf } = open();
    const states = Array.from({ length: 200 }, (_, n) => ({ text: textOf(1, 200) + textOf(1000 + n, 50_000) }));
    const reads: number[] = [];
    await putAll(saver(), states, async (n) => {
      if (n === 49 || n === 199) reads.push((await chargesOf(() => saver().getTuple(at("t")))).readUnits);
    });
    expect(reads[1]).toBeLessThanOrEqual((reads[0] as number) + 1);
  });

  it("are no more than those of storing it whole, for changes all over the value", async () => {
    const { saver, charges } = open();
    let whole = 0;
    const states = Array.from({ length: 50 }, (_, step) => {
      const log = Array.from({ length: 60 }, (_, n) => ({ id: idOf(step * 100 + n), content: textOf(n, 600) }));
      whole += 1 + Math.ceil(deflateRawSync(JSON.stringify(log)).length / 1024);
      return { log };
    });
    await putAll(saver(), states);
    expect(charges.writeUnits).toBeLessThan(1.05 * whole);
  });

  it("are few for a cold read of a list that is in another order each time", async () => {
    const { saver, chargesOf } = open();
    const random = randomOf(7);
    let list = Array.from({ length: 60 }, (_, n) => ({ id: idOf(n), content: textOf(n, 300) }));
    const states = Array.from({ length: 80 }, () => {
      const mixed = list.map((one) => ({ one, at: random(2 ** 31) })).sort((a, b) => a.at - b.at);
      list = mixed.map(({ one }) => one);
      return { list };
    });
    const whole = Math.ceil(deflateRawSync(JSON.stringify(list)).length / 4096);
    const reads: number[] = [];
    await putAll(saver(), states, async (n) => {
      if (n % 8 === 7) reads.push((await chargesOf(() => saver().getTuple(at("t")))).readUnits);
    });
    expect(Math.max(...reads)).toBeLessThanOrEqual(1.3 * whole + 5);
  });

  it.each([1, 5, 15, 60, 200])("are even, and few, where %i of 200 channels change at a time", async (count) => {
    const { saver, charges, chargesOf } = open();
    const fields = Array.from({ length: 200 }, (_, n) => textOf(n, 40));
    let whole = 0;
    const states = Array.from({ length: 120 }, (_, step) => {
      for (let n = 0; n < count; n++) fields[(step * count + n) % 200] = textOf(1000 * step + n, 40);
      const state = Object.fromEntries(fields.map((text, n) => [`field ${n}`, text]));
      const versions = Object.fromEntries(fields.map((_, n) => [`field ${n}`, step + 1]));
      whole += 1 + Math.floor(deflateRawSync(JSON.stringify([state, versions])).length / 1024);
      return state;
    });
    const state = Math.ceil(deflateRawSync(JSON.stringify(states.at(-1))).length / 4096);
    const units: number[] = [];
    const reads: number[] = [];
    await putAll(saver(), states, async (n) => {
      units.push(charges.writeUnits);
      if (n % 8 === 7) reads.push((await chargesOf(() => saver().getTuple(at("t")))).readUnits);
    });
    const [first, half, total] = [units[19], units[69], units[119]] as [number, number, number];
    expect(total - half).toBeLessThanOrEqual(1.05 * (half - first));
    expect(total).toBeLessThanOrEqual(count === 1 ? 1.4 * 120 : 1.05 * whole);
    // A page of heads has up to two keyframes.
    if (count === 1) expect(Math.max(...reads)).toBeLessThanOrEqual(2 * state + 6);
  });

  it.each([
    ["English", (n: number) => textOf(n, 100)],
    [
      "Chinese",
      (n: number) => Array.from(textOf(n, 40), (char) => String.fromCharCode(0x4e00 + 7 * char.charCodeAt(0))).join(""),
    ],
  ])("are those of the change for 200 channels of 100 bytes and more, in %s", async (_language, text) => {
    const { saver, charges } = open();
    const fields = Array.from({ length: 200 }, (_, n) => text(n));
    const states = Array.from({ length: 60 }, (_, step) => {
      fields[(step * 7) % 200] = text(1000 + step);
      return Object.fromEntries(fields.map((value, n) => [`field ${n}`, value]));
    });
    await putAll(saver(), states);
    // Now and then a head brings all along.
    expect(charges.writeUnits).toBeLessThan(4 * states.length);
  });

  it.each([
    [200, 1000, 36, 6],
    [60, 3000, 44, 15],
    [20, 10_000, 26, 9],
  ])(
    "are few for a cold read of %i channels of %i bytes, and so are its requests",
    async (count, bytes, units, requests) => {
      const { saver, chargesOf } = open();
      const fields = Array.from({ length: count }, (_, n) => textOf(n, bytes));
      const states = Array.from({ length: 120 }, (_, step) => {
        fields[(step * 7) % count] = textOf(1000 + step, bytes);
        return Object.fromEntries(fields.map((value, n) => [`field ${n}`, value]));
      });
      const reads: { readUnits: number; requests: number; rounds: number }[] = [];
      await putAll(saver(), states, async (n) => {
        if (n % 8 === 7) reads.push(await chargesOf(() => saver().getTuple(at("t"))));
      });
      expect(Math.max(...reads.map((read) => read.readUnits))).toBeLessThanOrEqual(units);
      expect(Math.max(...reads.map((read) => read.requests))).toBeLessThanOrEqual(requests);
    },
  );

  it("are none for the writes of the superstep before, where the newest state is read", async () => {
    const { saver, chargesOf } = open();
    const own = saver();
    const config = at("t");
    let latest: Parameters<DynamoDBSaver["put"]>[0] = config;
    for (let n = 0; n < 4; n++) {
      const checkpoint = { ...emptyCheckpoint(), id: uuid6(n), channel_values: { n }, channel_versions: { n } };
      latest = await own.put(latest, checkpoint, { source: "loop", step: n, parents: {} }, { n });
      if (n < 3) await own.putWrites(latest, [["report", noise]], "task");
    }
    const { readUnits, rounds } = await chargesOf(() => saver().getTuple(config));
    // The page of heads, the tombstone, and the writes of the newest, of which there are none.
    expect([readUnits, rounds]).toEqual([3, 2]);
  });

  it("are for writes alone, while 40 threads of 1 MB take turns in one process", async () => {
    const { saver, chargesOf } = open();
    const [own, document] = [saver(), textOf(1, 1_000_000)];
    const latest = Array.from({ length: 40 }, (_, n) => at(`t${n}`));
    const round = async (n: number) => {
      for (const [i, config] of latest.entries()) {
        const versions = { document: 1, n };
        const channel_values = { document, n };
        const checkpoint = { ...emptyCheckpoint(), id: uuid6(n), channel_values, channel_versions: versions };
        latest[i] = (await own.put(config, checkpoint, { source: "loop", step: n, parents: {} }, versions)) as never;
      }
    };
    await round(0);
    const { readUnits, writeUnits } = await chargesOf(async () => {
      for (const n of [1, 2, 3]) await round(n);
    });
    expect([readUnits, writeUnits]).toEqual([0, 120]);
  });

  it("take four requests to resume a fan-out of 500 tasks", async () => {
    const { saver, chargesOf } = open();
    const own = saver();
    const config = await own.put(
      at("t"),
      { ...emptyCheckpoint(), id: uuid6(1), channel_values: { n: 1 }, channel_versions: { n: 1 } },
      { source: "loop", step: 1, parents: {} },
      { n: 1 },
    );
    for (let task = 0; task < 500; task++) await own.putWrites(config, [["n", task]], `task-${task}`, `path-${task}`);
    const { requests } = await chargesOf(async () => {
      expect((await saver().getTuple(at("t")))?.pendingWrites).toHaveLength(500);
    });
    expect(requests).toBeLessThanOrEqual(4);
  });
});
