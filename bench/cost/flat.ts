/**
 * Counts requests and read units of what a client asks of a thread or of all of its threads, by how much there is: each row is flat, or
 * says what it grows with. On a DynamoDB in memory that charges as DynamoDB does. A table on stdout, progress on stderr.
 *
 *   npm --prefix bench run flat -- [--sizes 100,1000,10000]
 */
import { parseArgs } from "node:util";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { incarnationConfig } from "@tenure/core/checkpoint";
import { systemClock } from "@tenure/core/clock";
import { Table } from "@tenure/core/dynamo";
import type { GraphFactory } from "@tenure/functions/graphs";
import { openWindows } from "@tenure/local/limits";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { openApi } from "../../test/support/service/api.ts";
import { type ChargedTable, chargedTable } from "../../test/support/stores/charged-table.ts";
import { behindGateway } from "../../test/support/stores/redis.ts";

const sizes = parseArgs({ options: { sizes: { type: "string", default: "100,1000,10000" } } })
  .values.sizes.split(",")
  .map(Number);

const State = Annotation.Root({ messages: Annotation<string[]>() });
const chat: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("say", () => ({}))
    .addEdge(START, "say")
    .compile({ ...(checkpointer && { checkpointer }) }) as unknown as ReturnType<GraphFactory>;

/** An API on one table, and a second process of it that has nothing in memory. */
async function openBoth(charged: ChargedTable) {
  const redis = await behindGateway(new EmbeddedRedis());
  const { client } = charged;
  const tableName = "flat";
  const open = () =>
    openApi(
      { redis, dynamo: {}, tableName, graphs: { chat } },
      { windows: openWindows },
      {
        redis: redis.store,
        client,
        table: new Table({ client, tableName, clock: systemClock }),
        clock: systemClock,
        onFault: () => {},
      },
    );
  const api = await open();
  const headers = { Authorization: `Bearer ${await api.logIn("ada@example.com")}`, "Content-Type": "application/json" };
  const ask = async (from: typeof api, method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await from.request(method, path, { headers, ...(body && { body }) });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  };
  const { user } = (await ask(api, "GET", "/auth/session")) as { user: { id: string } };
  return { api, open, ask, owner: user.id };
}

const cells: Record<string, string[]> = {};
async function count(name: string, charged: ChargedTable, work: () => Promise<unknown>): Promise<void> {
  const { requests, readUnits } = await charged.chargesOf(work);
  cells[name] = [...(cells[name] ?? []), `${requests}; ${readUnits}`];
}

for (const size of sizes) {
  const charged = chargedTable();
  const { api, open, ask, owner } = await openBoth(charged);
  const { threads, checkpointer } = api.deps;
  const ids = Array.from({ length: size }, () => crypto.randomUUID());
  for (const id of ids) await threads.create({ id, owner, metadata: { graph_id: "chat" } });
  const [id = ""] = ids;
  const thread = await threads.get(id, owner);
  const life = incarnationConfig(thread?.incarnation ?? { undone: [] });
  process.stderr.write(`${size} threads\n`);
  await count("threads.search, 10 of n threads", charged, () =>
    ask(api, "POST", "/threads/search", { limit: 10, select: ["thread_id"] }),
  );
  const idOf = (n: number) => `${String(n).padStart(8, "0")}-0000-6000-8000-000000000000`;
  const messages: string[] = [];
  for (let step = 1; step <= size; step++) {
    messages.push(`message ${step} of a chat, ${"with some text ".repeat(5)}`);
    const config = await checkpointer.put(
      {
        configurable: { thread_id: id, checkpoint_ns: "", ...life, ...(step > 1 && { checkpoint_id: idOf(step - 1) }) },
      },
      {
        ...{ v: 4, id: idOf(step), ts: new Date().toISOString(), channel_values: { messages: messages.slice(-100) } },
        ...{ channel_versions: { messages: step }, versions_seen: {} },
      },
      { source: "loop", step, parents: {} },
      { messages: step },
    );
    await checkpointer.putWrites(config, [["messages", "more"]], "task");
    if (step % 2000 === 0) process.stderr.write(`${step} checkpoints\n`);
  }
  const states = (await ask(api, "POST", `/threads/${id}/history`, { limit: 10 })) as unknown[];
  if (states.length !== 10) throw new Error(`the history has ${states.length} states and not 10`);
  for (const [name, from] of [
    ["in memory", api],
    ["by a process that knows nothing", await open()],
  ] as const) {
    // Once, for what a process reads once: the table's format and the graph's assistant.
    if (from !== api) await ask(from, "GET", "/auth/session");
    await count(`GET state at n checkpoints, ${name}`, charged, () => ask(from, "GET", `/threads/${id}/state`));
    await count(`history, 10 of n checkpoints, ${name}`, charged, () =>
      ask(from, "POST", `/threads/${id}/history`, { limit: 10 }),
    );
  }
  process.stderr.write(`a thread of ${size} checkpoints\n`);
}

console.log(`Node.js ${process.version}\n`);
console.log(`| requests; read units, by n | ${sizes.join(" | ")} |\n| --- |${" --- |".repeat(sizes.length)}`);
for (const [name, all] of Object.entries(cells)) console.log(`| ${name} | ${all.join(" | ")} |`);
process.exit(0);
