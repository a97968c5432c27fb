/**
 * Measures agents in units, as DynamoDB charges them: write units by turns of a thread, beside the least that its calls can cost (one each) and
 * beside storing every checkpoint and write whole, deflated; and a cold read of the newest checkpoint, beside the newest state, deflated.
 *
 * @example
 * npm --prefix bench run agents
 * npm --prefix bench run agents -- supervisor
 */
import { deflateRawSync } from "node:zlib";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage, HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Annotation, END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { JsonPlusSerializer } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { createAgent } from "langchain";
import { z } from "zod";
import { chargedTable } from "../../test/support/stores/charged-table.ts";
import { ask, chat, message } from "./workload.ts";

const serde = new JsonPlusSerializer();
const unitsOf = async (value: unknown) =>
  1 + Math.floor(deflateRawSync((await serde.dumpsTyped(value))[1], { level: 1 }).length / 1024);

/** Counts calls, and what storing each whole would take. */
class Counted extends DynamoDBSaver {
  calls = 0;
  whole = 0;
  override async put(...args: Parameters<DynamoDBSaver["put"]>) {
    this.calls += 1;
    this.whole += await unitsOf(args[1]);
    return super.put(...args);
  }
  override async putWrites(...args: Parameters<DynamoDBSaver["putWrites"]>) {
    this.calls += 1;
    this.whole += await unitsOf(args[1]);
    return super.putWrites(...args);
  }
}

let made = 0;
const textOf = (bytes: number) => {
  let text = "";
  while (text.length < bytes) text += `${message(++made)} `;
  return text.slice(0, bytes);
};

class Model extends BaseChatModel {
  private readonly calls: number;
  constructor(calls: number) {
    super({});
    this.calls = calls;
  }
  override _llmType() {
    return "bench";
  }
  override bindTools() {
    return this;
  }
  override async _generate(messages: BaseMessage[]) {
    const id = crypto.randomUUID();
    const answer =
      messages.at(-1)?.getType() === "tool"
        ? new AIMessage({ id, content: textOf(300) })
        : new AIMessage({
            ...{ id, content: "" },
            tool_calls: Array.from({ length: this.calls }, () => ({
              ...{ name: "lookup", id: crypto.randomUUID(), args: { q: "x" } },
            })),
          });
    return { generations: [{ message: answer, text: "" }] };
  }
}
const lookup = (bytes: number) =>
  tool(async () => textOf(bytes), { name: "lookup", description: "Looks up.", schema: z.object({ q: z.string() }) });
const asked = () => ({ messages: [new HumanMessage({ id: crypto.randomUUID(), content: textOf(300) })] });

type Runnable = { invoke(input: unknown, config: object): Promise<unknown> };
interface Workload {
  name: string;
  turns: number;
  graph: (checkpointer: DynamoDBSaver) => Runnable;
  input: (turn: number) => unknown;
}

const Edited = Annotation.Root({ document: Annotation<{ text: string }[]> });
const edited = (kilobytes: number): Workload => ({
  name: `a document of ${kilobytes} KB, one row edited`,
  turns: kilobytes > 1000 ? 20 : 40,
  graph: (checkpointer) =>
    new StateGraph(Edited)
      .addNode("edit", ({ document }) => {
        const copy = structuredClone(document);
        const row = copy[(++made * 7919) % copy.length];
        if (row) row.text = textOf(40);
        return { document: copy };
      })
      .addEdge(START, "edit")
      .addEdge("edit", END)
      .compile({ checkpointer }) as never,
  input: (turn) =>
    turn === 0
      ? { document: Array.from({ length: kilobytes * 4 }, () => ({ text: textOf(230) })) }
      : { document: undefined },
});

/** A node of the graph is a graph with the same messages, and one of its own asks a model that uses a tool. */
const supervisor: Workload = {
  name: "a supervisor with a sub-graph that shares the messages",
  turns: 100,
  graph: (checkpointer) => {
    const answer = () => ({ messages: [new AIMessage({ id: crypto.randomUUID(), content: textOf(300) })] });
    const team = new StateGraph(MessagesAnnotation)
      .addNode("research", answer)
      .addNode("write", answer)
      .addEdge(START, "research")
      .addEdge("research", "write")
      .addEdge("write", END)
      .compile();
    return new StateGraph(MessagesAnnotation)
      .addNode("team", team)
      .addNode("close", answer)
      .addEdge(START, "team")
      .addEdge("team", "close")
      .addEdge("close", END)
      .compile({ checkpointer }) as never;
  },
  input: asked,
};

/** A state of many channels, of which each turn changes one. */
const channels = (count: number): Workload => {
  const names = Array.from({ length: count }, (_, n) => `field_${n}`);
  const State = Annotation.Root(Object.fromEntries(names.map((name) => [name, Annotation<string>])));
  return {
    name: `${count} channels, one changed`,
    turns: 160,
    graph: (checkpointer) =>
      new StateGraph(State)
        .addNode("edit", () => ({ [names[++made % count] as string]: textOf(40) }))
        .addEdge(START, "edit")
        .addEdge("edit", END)
        .compile({ checkpointer }) as never,
    input: (turn) =>
      turn === 0 ? Object.fromEntries(names.map((name) => [name, textOf(40)])) : { [names[0] as string]: textOf(40) },
  };
};

interface Entry {
  id: string;
  content: string;
}
const Log = Annotation.Root({ log: Annotation<Entry[]> });
/** A list that gets another entry each turn, and that a node then changes all over. */
const changed = (name: string, change: (log: Entry[]) => Entry[]): Workload => {
  let log: Entry[] = Array.from({ length: 40 }, () => ({ id: crypto.randomUUID(), content: textOf(300) }));
  return {
    name,
    turns: 80,
    graph: (checkpointer) =>
      new StateGraph(Log)
        .addNode("change", (state) => {
          log = change(state.log);
          return { log };
        })
        .addEdge(START, "change")
        .addEdge("change", END)
        .compile({ checkpointer }) as never,
    input: () => ({ log: [...log, { id: crypto.randomUUID(), content: textOf(300) }] }),
  };
};
const renamed = changed("a list, all ids anew each turn", (log) =>
  log.map(({ content }) => ({ id: crypto.randomUUID(), content })),
);
/** Another number each time. */
const order = ({ content }: Entry) =>
  Math.imul(content.length + content.charCodeAt(++made % content.length), 2654435761 + made) >>> 0;
const shuffled = changed("a list, in another order each turn", (log) =>
  log
    .map((one) => ({ one, at: order(one) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one),
);

const workloads: Workload[] = [
  { name: "the two-node chat", turns: 400, graph: (checkpointer) => chat(checkpointer) as never, input: ask },
  {
    name: "createAgent, 1 tool",
    turns: 200,
    graph: (checkpointer) => createAgent({ model: new Model(1), tools: [lookup(300)], checkpointer }) as never,
    input: asked,
  },
  {
    name: "createAgent, 5 parallel tools of 20 KB",
    turns: 24,
    graph: (checkpointer) => createAgent({ model: new Model(5), tools: [lookup(20_000)], checkpointer }) as never,
    input: asked,
  },
  {
    name: "createReactAgent, 1 tool",
    turns: 100,
    graph: (checkpointSaver) => createReactAgent({ llm: new Model(1), tools: [lookup(300)], checkpointSaver }) as never,
    input: asked,
  },
];

/** How often the newest state is read cold while a thread grows. */
const AGES = 20;
interface ColdRead {
  readUnits: number;
  /** 1.3 times the state, deflated, in units of 4 KB, and 5. */
  limit: number;
  requests: number;
  rounds: number;
}
const told = ({ readUnits, limit }: ColdRead) => `${readUnits} of ${limit.toFixed(1)}`;

/** Reads the newest state in a process that has nothing of it. */
async function coldRead(table: ReturnType<typeof chargedTable>, at: object): Promise<ColdRead> {
  const read = () => new DynamoDBSaver({ client: table.client, tableName: "agents" }).getTuple(at);
  const { readUnits, requests, rounds } = await table.chargesOf(read);
  const [, bytes] = await serde.dumpsTyped((await read())?.checkpoint.channel_values);
  return { limit: 1.3 * Math.ceil(deflateRawSync(bytes).length / 4096) + 5, readUnits, requests, rounds };
}

const all = [
  ...workloads,
  supervisor,
  channels(60),
  channels(200),
  edited(50),
  edited(500),
  edited(4000),
  renamed,
  shuffled,
];
const [wanted = ""] = process.argv.slice(2);
const rows: string[] = [];
for (const { name, turns, graph, input } of all.filter((one) => one.name.includes(wanted))) {
  const table = chargedTable();
  const saver = new Counted({ client: table.client, tableName: "agents" });
  const agent = graph(saver);
  const at = { configurable: { thread_id: "thread" } };
  const units: number[] = [];
  const cold: ColdRead[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const given = input(turn) as { document?: unknown };
    // A turn without an input of its own begins at the newest state.
    await agent.invoke("document" in given && given.document === undefined ? {} : given, at);
    units.push(table.charges.writeUnits);
    if ((turn + 1) % Math.ceil(turns / AGES) === 0 || turn + 1 === turns) cold.push(await coldRead(table, at));
  }
  process.stderr.write(`${name}: ${turns} turns\n`);
  const [half, total] = [units[turns / 2 - 1] ?? 0, units.at(-1) ?? 0];
  const spare = (one: ColdRead) => one.limit - one.readUnits;
  const worst = cold.reduce((one, other) => (spare(other) < spare(one) ? other : one));
  const last = cold.at(-1) as ColdRead;
  rows.push(
    `| ${name}, ${turns} turns | ${total} | ${(total / saver.calls).toFixed(2)} | ${((total - half) / half).toFixed(2)} | ${(total / saver.whole).toFixed(3)} | ${told(last)} | ${told(worst)} | ${last.requests} in ${last.rounds} |`,
  );
}
process.stdout.write(
  [
    "| workload | write units | for each call | second half by the first | of storing it whole | cold read, RU of 1.3 x state + 5 | the worst of 20 ages | requests in rounds |",
    "|---|---|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n"),
);
