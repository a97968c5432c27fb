/**
 * Scripts of the official client, each against LangGraph's own server and against this one: the same events, states and
 * statuses, but for what is written here.
 */
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { graphFactory } from "../compat/fixture.ts";
import { type Gates, startGates } from "../support/service/gate.ts";
import { startTestStack, type TestStack } from "../support/service/stack.ts";
import { referenceServer } from "../support/stores/found.ts";
import { chat } from "./graphs.ts";
import { type Reference, startReference } from "./server.ts";

/**
 * Intended differences, as keys that are left out of the comparison, and why.
 * - kwargs: theirs holds the merged configuration, ours the request.
 * - config, parent_config: theirs holds everything that was configured, ours the checkpoint's name.
 * - state_updated_at, created_at, updated_at: when.
 * - topic: theirs copies a thread's metadata into whatever its runs do.
 * - metadata keys of their own: who made the assistant, versions, the host, request headers.
 */
const LEFT_OUT = new Set([
  "topic",
  ...["kwargs", "config", "parent_config", "state_updated_at", "created_at", "updated_at", "timestamp", "ts"],
  ...[
    "created_by",
    "run_attempt",
    "langgraph_version",
    "langgraph_plan",
    "langgraph_host",
    "langgraph_api_url",
    "user-agent",
  ],
  ...[
    "user_id",
    "ls_integration",
    "langgraph_auth_user",
    "langgraph_auth_user_id",
    "accept",
    "x-api-key",
    "ls_model_type",
    "ls_provider",
  ],
]);

/** Ids by the order in which they appear, so that what is the same here and there reads the same. */
function normalizer() {
  const names = new Map<string, string>();
  const id = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
  const text = (given: string) =>
    given.replace(id, (one) => {
      if (!names.has(one)) names.set(one, `id${names.size}`);
      return names.get(one) ?? "";
    });
  const normalize = (value: unknown): unknown => {
    if (typeof value === "string") return text(value).replace(/^[0-9a-f]{32}$/, "hash");
    if (Array.isArray(value)) return value.map(normalize);
    if (typeof value !== "object" || value === null) return value;
    const fields = Object.entries(value)
      .filter(([key, one]) => !LEFT_OUT.has(key) && one !== undefined && one !== null)
      .map(([key, one]): [string, unknown] =>
        key === "metadata" && isOfCheckpoint(one) ? [key, ownOf(one)] : [key, one],
      )
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(fields.map(([key, one]) => [text(key), normalize(one)]));
  };
  return normalize;
}

/** Theirs copies the thread's metadata, and more of what was configured, into that of each checkpoint. */
const OF_CHECKPOINT = new Set(["source", "step", "parents", "run_id", "graph_id", "assistant_id", "thread_id"]);
const isOfCheckpoint = (value: unknown): value is object =>
  typeof value === "object" && value !== null && "source" in value;
const ownOf = (metadata: object) =>
  Object.fromEntries(Object.entries(metadata).filter(([key]) => OF_CHECKPOINT.has(key)));
/** Theirs names tasks that ask for nothing. */
const asked = (interrupts: object) =>
  Object.fromEntries(Object.entries(interrupts).filter(([, list]) => list.length > 0));
/** With subgraphs, theirs announces checkpoints that nobody asked for. */
const unannounced = (events: unknown[]) => withoutIds(events).filter(({ event }) => !event.startsWith("checkpoints"));
/** Without a thread, theirs has no ids: nothing can be resumed there. */
const withoutIds = (events: unknown[]) =>
  (events as { event: string; data: unknown }[]).map(({ event, data }) => ({ event, data }));

let gates: Gates;

type Step = (client: Client, memory: Record<string, string>) => Promise<unknown>;
const say = (content: string, todo?: string) => ({
  input: { messages: [{ role: "user", content, id: `human-${content}` }], ...(todo && { todo }) },
});
async function gather(events: AsyncIterable<unknown>): Promise<unknown[]> {
  const found = [];
  for await (const event of events) found.push(event);
  return found;
}
const thread = (memory: Record<string, string>) => memory.thread ?? "";
const newThread: Step = async (client, memory) => {
  const made = await client.threads.create({ metadata: { topic: "wire" } });
  memory.thread = made.thread_id;
  return { status: made.status, metadata: Object.keys(made.metadata ?? {}) };
};
const streamed =
  (payload: object): Step =>
  (client, memory) =>
    gather(client.runs.stream(thread(memory), "chat", payload as never));
const streamedWhole =
  (payload: object): Step =>
  async (client, memory) =>
    unannounced(
      await gather(client.runs.stream(thread(memory), "chat", { ...payload, streamSubgraphs: true } as never)),
    );
const status: Step = async (client, memory) => {
  const [{ status, values, interrupts }, runs] = await Promise.all([
    client.threads.get(thread(memory)),
    client.runs.list(thread(memory)),
  ]);
  return {
    status,
    values,
    interrupts: asked(interrupts),
    runs: runs.map(({ status, multitask_strategy }) => [status, multitask_strategy]).sort(),
  };
};
/** Theirs has the subgraph's values as the thread's. */
const statusAlone: Step = async (client, memory) => {
  const { values: _, interrupts, ...rest } = (await status(client, memory)) as { values: unknown; interrupts: object };
  return { ...rest, asked: Object.values(interrupts) };
};
const state: Step = (client, memory) => client.threads.getState(thread(memory));
const history: Step = (client, memory) => client.threads.getHistory(thread(memory));

const scripts: Record<string, Step[]> = {
  ...Object.fromEntries(
    ["values", "updates", "messages", "messages-tuple", "custom", "tasks"].map((streamMode) => [
      `streams ${streamMode}`,
      [newThread, streamed({ ...say("hello"), streamMode }), status, state, history],
    ]),
  ),
  "streams several modes, with a subgraph that asks, and goes on when it is answered": [
    newThread,
    streamedWhole({ ...say("hello", "inner"), streamMode: ["values", "updates"] }),
    statusAlone,
    (client, memory) => client.threads.getState(thread(memory), undefined, { subgraphs: true }),
    state,
    streamedWhole({ command: { resume: "yes" }, streamMode: ["values", "updates"] }),
    statusAlone,
    history,
  ],
  "stops before a node and goes on": [
    newThread,
    streamed({ ...say("hello"), interruptBefore: ["end"], streamMode: ["values", "updates"] }),
    status,
    state,
    streamed({ input: null, streamMode: ["values", "updates"] }),
    status,
  ],
  "changes the state by hand, and goes on from a checkpoint of before": [
    newThread,
    streamed(say("one")),
    async (client, memory) => {
      await client.threads.updateState(thread(memory), { values: { log: ["by hand"] }, asNode: "end" });
      return (await client.threads.getState(thread(memory))).values;
    },
    async (client, memory) => {
      const states = await client.threads.getHistory(thread(memory));
      const first = states.find(({ next }) => next.includes("end"))?.checkpoint;
      return gather(
        client.runs.stream(thread(memory), "chat", { input: null, checkpoint: first as never, streamMode: "updates" }),
      );
    },
    state,
    history,
  ],
  "reports an error": [newThread, streamed({ ...say("x", "fail"), streamMode: ["values", "updates"] }), status, state],
  "refuses a second run, and cancels the first": [
    newThread,
    async (client, memory) => {
      const gate = gates.add();
      const run = await client.runs.create(thread(memory), "chat", say("first", gate.url) as never);
      const visit = await gate.reached(0);
      const second = await client.runs
        .create(thread(memory), "chat", say("second") as never)
        .catch((error) => error.status);
      const locked = await client.threads
        .updateState(thread(memory), { values: { log: ["x"] } })
        .catch((error) => error.status);
      await client.runs.cancel(thread(memory), run.run_id, true);
      await visit.gone;
      return [
        second,
        locked,
        (await client.runs.get(thread(memory), run.run_id)).status,
        (await client.threads.get(thread(memory))).status,
      ];
    },
  ],
  "waits without a thread": [
    (client) => client.runs.wait(null, "chat", say("hello") as never),
    async (client) =>
      withoutIds(await gather(client.runs.stream(null, "chat", { ...say("hello"), streamMode: "updates" } as never))),
  ],
  "finds threads": [
    newThread,
    async (client, memory) => {
      const tag = `tag-${thread(memory)}`;
      await client.threads.update(thread(memory), { metadata: { tag } });
      const found = await client.threads.search({ metadata: { tag } });
      return [
        found.map(({ thread_id, metadata }) => [thread_id, metadata]),
        await client.threads.count({ metadata: { tag } } as never),
      ];
    },
    async (client, memory) => {
      await client.threads.delete(thread(memory));
      return client.threads.get(thread(memory)).catch((error) => error.status);
    },
  ],
  "keeps items": [
    async ({ store }) => {
      await store.putItem(["a", "b"], "k", { n: 1 });
      await store.putItem(["a"], "l", { n: 2 });
      const found = await store.searchItems(["a"], { filter: { n: { $gte: 1 } } });
      const names = (await store.listNamespaces({ prefix: ["a"] })).namespaces;
      await store.deleteItem(["a", "b"], "k");
      return [
        found.items.map(({ key, value, namespace }) => [key, value, namespace]).sort(),
        names,
        await store.getItem(["a", "b"], "k"),
      ];
    },
  ],
};

describe.skipIf(!referenceServer)("the official client sees the same here as of LangGraph's server", () => {
  let reference: Reference;
  let stack: TestStack;
  let clients: [theirs: Client, ours: Client];
  beforeAll(async () => {
    gates = await startGates();
    reference = await startReference(referenceServer ?? "");
    const factory = graphFactory(chat);
    stack = await startTestStack({}, { ...(factory && { graphs: { chat: factory } }) });
    clients = [
      new Client({ apiUrl: reference.url }),
      new Client({ apiUrl: stack.api, apiKey: await stack.logIn("wire@example.com") }),
    ];
  });
  afterAll(async () => {
    await stack?.close();
    await reference?.close();
    await gates?.close();
  });

  it.each(Object.keys(scripts))("%s", async (name) => {
    const seen = await Promise.all(
      clients.map(async (client) => {
        const [memory, normalize, answers] = [{}, normalizer(), [] as unknown[]];
        for (const step of scripts[name] ?? []) answers.push(normalize(await step(client, memory)));
        return answers;
      }),
    );
    for (const [i, theirs] of (seen[0] ?? []).entries()) expect([i, seen[1]?.[i]]).toEqual([i, theirs]);
  });
});
