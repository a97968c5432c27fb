/**
 * Counts the requests of DynamoDB for lists of n threads, and for the copy and the history of a thread of n checkpoints. Tables on stdout,
 * progress on stderr.
 *
 *   npm --prefix bench run lists -- [--sizes 100,1000,10000]
 *
 * On dynalite, behind a proxy that counts. Threads are made by the thread store and checkpoints by the saver, as runs do it. The
 * search that looks at every thread's state is left out above 1,000.
 */
import { parseArgs } from "node:util";
import { BatchWriteCommand, GetCommand } from "@aws-sdk/lib-dynamodb";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { incarnationConfig } from "@tenure/core/checkpoint";
import type { Thread } from "@tenure/core/thread";
import type { GraphFactory } from "@tenure/functions/graphs";
import { openUserApi, type UserApi } from "../../test/support/service/user-api.ts";
import { type CountedEndpoint, countedEndpoint } from "../../test/support/stores/counted-endpoint.ts";
import { dynamoEngines } from "../../test/support/stores/dynamo.ts";

const { values } = parseArgs({ options: { sizes: { type: "string", default: "100,1000,10000" } } });
const sizes = values.sizes.split(",").map(Number);
const say = (text: string) => process.stderr.write(`${text}\n`);
/** The number of threads that have a state; the others are clones of the first one's record. */
const MADE = 20;
const DAY_MS = 86_400_000;
/** A value that no thread has. */
const NONE = "nothing like this";

interface Asked {
  name: string;
  requests: number;
  /** Bytes of the answer. */
  bytes: number;
  seconds: number;
  /** The bytes of the answer that had come by a number of requests. */
  firstAt: number;
}

const document = "d".repeat(500);
const State = Annotation.Root({
  messages: Annotation<string[]>(),
  topic: Annotation<string>(),
  document: Annotation<string>(),
});
const chat: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("say", () => ({}))
    .addEdge(START, "say")
    .compile({ ...(checkpointer && { checkpointer }) }) as unknown as ReturnType<GraphFactory>;

const EXHAUSTIVE = "search by a large value of none";
const LISTS: [name: string, path: string, body: object][] = [
  ["search, 10 of all", "search", { limit: 10, select: ["thread_id"] }],
  ["search, 10 of all, with their states", "search", { limit: 10 }],
  ["search, 10 of all, by the last change", "search", { limit: 10, select: ["thread_id"], sort_by: "updated_at" }],
  ["search by 10 ids", "search", { limit: 10, select: ["thread_id"], ids: [] }],
  ["search by metadata of none", "search", { metadata: { topic: NONE }, select: ["thread_id"] }],
  ["search by a small value of none", "search", { values: { topic: NONE }, select: ["thread_id"] }],
  [EXHAUSTIVE, "search", { values: { document: NONE }, select: ["thread_id"] }],
  ["search by a large value of all, 10 of these", "search", { values: { document }, select: ["thread_id"] }],
  ["count", "count", {}],
];

async function measure(
  { api }: UserApi,
  counted: CountedEndpoint,
  headers: HeadersInit,
  [name, path, body]: [string, string, object],
): Promise<Asked> {
  const requests = () => Object.values(counted.calls).reduce((sum, calls) => sum + calls, 0);
  counted.reset();
  const begun = performance.now();
  const answer = await api.request("POST", path, { headers, body });
  if (answer.status !== 200) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
  let [bytes, firstAt] = [0, -1];
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    if (firstAt < 0) firstAt = requests();
    bytes += chunk.length;
  }
  const asked = { name, requests: requests(), bytes, firstAt, seconds: (performance.now() - begun) / 1000 };
  say(`${name}: ${asked.requests} requests, ${asked.seconds.toFixed(1)} s`);
  return asked;
}

async function withApi<T>(
  work: (user: UserApi, counted: CountedEndpoint, headers: HeadersInit) => Promise<T>,
): Promise<T> {
  const counted = await countedEndpoint(dynamoEngines[0] as (typeof dynamoEngines)[number]);
  const user = await openUserApi(counted.engine, { graphs: { chat }, codePolicy: { resendMs: 0 } });
  try {
    return await work(user, counted, { Authorization: `Bearer ${await user.api.logIn("ada@example.com")}` });
  } finally {
    await user.close();
    await counted.close();
  }
}

const ownerOf = async ({ ask }: UserApi): Promise<string> =>
  (await ask<{ user: { id: string } }>("GET", "/auth/session")).body.user.id;

const put = ({ api }: UserApi, { id, incarnation }: Thread, step: number, channel_values: Record<string, unknown>) => {
  const idOf = (n: number) => `${String(n).padStart(8, "0")}-0000-6000-8000-000000000000`;
  const versions = Object.fromEntries(Object.keys(channel_values).map((name) => [name, step]));
  const at = { thread_id: id, checkpoint_ns: "", ...incarnationConfig(incarnation) };
  return api.deps.checkpointer.put(
    { configurable: { ...at, ...(step > 1 && { checkpoint_id: idOf(step - 1) }) } },
    {
      ...{ v: 4, id: idOf(step), ts: new Date().toISOString(), channel_values },
      ...{ channel_versions: versions, versions_seen: {} },
    },
    { source: "loop", step, parents: {} },
    versions,
  );
};

/** Puts the record of a thread for others too: older ones, which have the same values, and no checkpoint. */
async function clone({ table }: UserApi, from: string, ids: string[]): Promise<void> {
  const { client, tableName } = table;
  const key = (id: string) => ({ pk: `thread#${id}`, sk: "thread" });
  const { Item = {} } = await client.send(new GetCommand({ TableName: tableName, Key: key(from) }));
  const createdAt = Number(Item.createdAt) - DAY_MS;
  const isk = (id: string) => `${String(createdAt).padStart(15, "0")}#${id}`;
  for (let at = 0; at < ids.length; at += 25) {
    const items = ids.slice(at, at + 25).map((id) => ({ ...Item, ...key(id), id, createdAt, isk: isk(id) }));
    const puts = items.map((one) => ({ PutRequest: { Item: one } }));
    await client.send(new BatchWriteCommand({ RequestItems: { [tableName]: puts } }));
  }
}

async function listsOf(n: number): Promise<Asked[]> {
  return withApi(async (user, counted, headers) => {
    const owner = await ownerOf(user);
    const { threads } = user.api.deps;
    const ids = Array.from({ length: n }, () => crypto.randomUUID());
    const make = async (id: string) => {
      const thread = await threads.create({ id, owner, metadata: { graph_id: "chat" } });
      if (!thread) throw new Error(`thread ${id} is there`);
      await put(user, thread, 1, { messages: [], topic: "a topic", document });
      const projection = { values: { messages: [], topic: "a topic" }, isPart: true, until: Date.now() + DAY_MS };
      const lease = await threads.hold(id, owner, "bench");
      if (typeof lease !== "object") throw new Error(`thread ${id} cannot be had: ${lease}`);
      await threads.free(lease, { status: "idle", projection });
    };
    const made = ids.slice(0, MADE);
    for (const id of made) await make(id);
    await clone(user, made[0] as string, ids.slice(MADE));
    say(`${n} threads`);
    const found: Asked[] = [];
    for (const [name, path, body] of LISTS) {
      if (name === EXHAUSTIVE && n > 1000) continue;
      const asked = "ids" in body ? { ...body, ids: ids.slice(0, 10) } : body;
      found.push(await measure(user, counted, headers, [name, `/threads/${path}`, asked]));
    }
    return found;
  });
}

async function threadOf(n: number): Promise<Asked[]> {
  return withApi(async (user, counted, headers) => {
    const id = crypto.randomUUID();
    const asked = { id, owner: await ownerOf(user), metadata: { graph_id: "chat" } };
    const thread = await user.api.deps.threads.create(asked);
    if (!thread) throw new Error(`thread ${id} is there`);
    const messages: string[] = [];
    for (let step = 1; step <= n; step++) {
      messages.push(`message ${step} of a chat, ${"with some text ".repeat(5)}`);
      const config = await put(user, thread, step, { messages: messages.slice(-100) });
      await user.api.deps.checkpointer.putWrites(config, [["messages", "more"]], "task");
    }
    say(`a thread of ${n} checkpoints`);
    return [
      await measure(user, counted, headers, ["copy", `/threads/${id}/copy`, {}]),
      await measure(user, counted, headers, ["history, 1,000 at most", `/threads/${id}/history`, { limit: 1000 }]),
    ];
  });
}

async function table(title: string, of: (n: number) => Promise<Asked[]>): Promise<string> {
  const columns: Asked[][] = [];
  for (const n of sizes) columns.push(await of(n));
  const cell = ({ requests, firstAt, bytes, seconds }: Asked) =>
    `${requests}${firstAt < requests ? `, the first byte after ${firstAt}` : ""}; ${(bytes / 1e6).toFixed(2)} MB; ${seconds.toFixed(1)} s`;
  const rows = (columns[0] ?? []).map(({ name }) => {
    const cells = columns.map((all) => all.find((one) => one.name === name));
    return `| ${name} | ${cells.map((one) => (one ? cell(one) : "")).join(" | ")} |`;
  });
  return [`| ${title} | ${sizes.join(" | ")} |`, `| --- |${" --- |".repeat(sizes.length)}`, ...rows].join("\n");
}

console.log(await table("requests, by threads of the user", listsOf));
console.log(`\n${await table("requests, by checkpoints of the thread", threadOf)}`);
process.exit(0);
