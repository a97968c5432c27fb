/**
 * How each method of the JavaScript client is called, and for each of its options a value that asks for something.
 */
import type { Client } from "@langchain/langgraph-sdk";
import { assistant, by, checkpointOf, cron, page, run, type Things, type Values } from "./values.ts";

type Options = Record<string, unknown>;
type Drive = (client: Client, options: Options, things: Things) => Promise<unknown>;

const all = async (events: AsyncIterable<unknown>) => {
  for await (const _ of events);
};
const base = { input: { said: ["What?"] } };

/** A thread of a run's own. Where a checkpoint is asked for, it is that thread's. */
async function onThread(client: Client, options: Options, things: Things): Promise<[thread: string, options: Options]> {
  const thread = await things.newThread();
  const { checkpoint } = await client.threads.getState(thread);
  const given = {
    ...("checkpoint" in options && { checkpoint }),
    ...("checkpointId" in options && { checkpointId: checkpoint.checkpoint_id }),
  };
  return [thread, { ...base, ...options, ...given }];
}

/** By method: how it is called, and a value for each of its options. */
export const METHODS: Record<string, [Drive, Values]> = {
  "threads.get": [(client, o, t) => client.threads.get(t.thread, o), { include: by(["ttl"]) }],
  "threads.create": [
    (client, o) => client.threads.create({ graphId: "saying", ...o }),
    {
      metadata: by({ a: 1 }),
      threadId: () => crypto.randomUUID(),
      ifExists: by("do_nothing"),
      graphId: by("saying"),
      supersteps: by([{ updates: [{ values: { said: ["a"] }, asNode: "say" }] }]),
      ttl: by({ ttl: 5, strategy: "keep_latest" }),
    },
  ],
  "threads.copy": [(client, o, t) => client.threads.copy(t.thread, o), {}],
  "threads.update": [
    async (client, o, t) => client.threads.update(await t.newThread(), o as never),
    { metadata: by({ a: 1 }), ttl: by(5), returnMinimal: by(true) },
  ],
  "threads.delete": [async (client, o, t) => client.threads.delete(await t.newThread(), o), {}],
  "threads.prune": [
    async (client, { threadIds, ...o }, t) => client.threads.prune((threadIds as string[]) ?? [await t.newThread()], o),
    { threadIds: by([]), strategy: by("keep_latest") },
  ],
  "threads.search": [
    (client, o) => client.threads.search(o),
    {
      ...page,
      metadata: by({ a: [1] }),
      ids: ({ thread }) => [thread],
      status: by("idle"),
      sortBy: by("state_updated_at"),
      sortOrder: by("asc"),
      select: by(["thread_id", "values"]),
      values: by({ said: ["What?"] }),
      extract: by({ last: "values.said[-1]" }),
    },
  ],
  "threads.count": [
    (client, o) => client.threads.count(o),
    { metadata: by({ a: 1 }), values: by({ said: [] }), status: by("idle") },
  ],
  "threads.getState": [
    (client, { checkpoint, ...o }, t) => client.threads.getState(t.thread, checkpoint as string, o),
    { checkpoint: checkpointOf, subgraphs: by(true), select: by(["values.said", "interrupts"]) },
  ],
  "threads.updateState": [
    async (client, { values = { said: ["a"] }, ...o }, t) =>
      client.threads.updateState(t.thread, { values: values as Options, ...o }),
    {
      values: by({ said: ["b"] }),
      checkpoint: checkpointOf,
      checkpointId: ({ checkpoint }) => checkpoint,
      asNode: by("say"),
    },
  ],
  "threads.patchState": [
    (client, { metadata = {}, ...o }, t) => client.threads.patchState(t.thread, metadata as Options, o),
    { metadata: by({ a: 1 }) },
  ],
  "threads.getHistory": [
    (client, o, t) => client.threads.getHistory(t.thread, o),
    {
      limit: by(3),
      before: (t) => ({ configurable: checkpointOf(t) }),
      checkpoint: checkpointOf,
      metadata: by({ source: "loop" }),
      select: by(["values.said"]),
    },
  ],
  "threads.joinStream": [
    (client, o, t) => all(client.threads.joinStream(t.thread, o)),
    { lastEventId: by("0"), streamMode: by("run_modes") },
  ],
  "threads.stream": [
    async (client, o, t) => {
      const stream = client.threads.stream(t.thread, { assistantId: "saying", ...o } as never);
      await stream.run.start({ input: base.input });
      await stream.close();
    },
    {
      assistantId: by("saying"),
      transport: by("sse"),
      startingCommandId: by(7),
      fetch: by(undefined),
      webSocketFactory: by(undefined),
      maxReconnectAttempts: by(0),
      streamIdleReconnect: by(false),
      reconnectDelayMs: by(() => 1),
      onReconnect: by(() => {}),
      onConnected: by(() => {}),
    },
  ],
  "runs.stream": [
    async (client, o, t) => {
      const [thread, options] = await onThread(client, o, t);
      await all(client.runs.stream(thread, "saying", options));
    },
    run,
  ],
  "runs.create": [
    async (client, o, t) => {
      const [thread, options] = await onThread(client, o, t);
      return client.runs.create(thread, "saying", options);
    },
    run,
  ],
  "runs.createBatch": [
    (client, { signal: s, ...o }) =>
      client.runs.createBatch([{ assistantId: "saying", ...base, ...o }], { signal: s as never }),
    { ...run, assistantId: by("saying") },
  ],
  "runs.wait": [
    async (client, o, t) => {
      const [thread, options] = await onThread(client, o, t);
      return client.runs.wait(thread, "saying", options);
    },
    run,
  ],
  "runs.list": [
    (client, o, t) => client.runs.list(t.thread, o),
    { ...page, status: by("success"), select: by(["run_id", "status"]) },
  ],
  "runs.get": [(client, o, t) => client.runs.get(t.thread, t.run, o), {}],
  "runs.cancel": [
    (client, { wait, action, ...o }, t) =>
      client.runs.cancel(t.thread, t.run, wait as boolean, action as "interrupt", o),
    { wait: by(true), action: by("rollback"), reason: by("taken") },
  ],
  "runs.cancelMany": [
    (client, o, t) => client.runs.cancelMany({ threadId: t.thread, ...o }),
    { threadId: ({ thread }) => thread, runIds: by([]), status: by("running"), action: by("rollback") },
  ],
  "runs.join": [(client, o, t) => client.runs.join(t.thread, t.run, o), { cancelOnDisconnect: by(true) }],
  "runs.joinStream": [
    (client, o, t) => all(client.runs.joinStream(t.thread, t.run, o)),
    {
      cancelOnDisconnect: by(true),
      lastEventId: by("0"),
      checkpointId: ({ checkpoint }) => checkpoint,
      streamMode: by(["values"]),
      streamNamespaces: by(["a"]),
      streamIdleReconnect: by(false),
    },
  ],
  "runs.delete": [async (client, o, t) => client.runs.delete(...(await t.newRun()), o), {}],
  "assistants.get": [(client, o, t) => client.assistants.get(t.assistant, o), {}],
  "assistants.getGraph": [(client, o, t) => client.assistants.getGraph(t.assistant, o), { xray: by(1) }],
  "assistants.getSchemas": [(client, o, t) => client.assistants.getSchemas(t.assistant, o), {}],
  "assistants.getSubgraphs": [
    (client, o, t) => client.assistants.getSubgraphs(t.assistant, o),
    { namespace: by("a"), recurse: by(true) },
  ],
  "assistants.create": [(client, o) => client.assistants.create({ graphId: "saying", ...o }), assistant],
  "assistants.update": [async (client, o, t) => client.assistants.update(await t.newAssistant(), o), assistant],
  "assistants.delete": [
    async (client, o, t) => client.assistants.delete(await t.newAssistant(), o),
    { deleteThreads: by(true) },
  ],
  "assistants.search": [
    (client, o) => client.assistants.search(o as never),
    {
      ...assistant,
      ...page,
      sortBy: by("name"),
      sortOrder: by("asc"),
      select: by(["name"]),
      includePagination: by(true),
    },
  ],
  "assistants.count": [(client, o) => client.assistants.count(o), assistant],
  "assistants.getVersions": [
    (client, o, t) => client.assistants.getVersions(t.assistant, o),
    { ...page, metadata: by({ a: 1 }) },
  ],
  "assistants.setLatest": [
    async (client, { version = 1, ...o }, t) =>
      client.assistants.setLatest(await t.newAssistant(), version as number, o),
    { version: by(1) },
  ],
  "store.putItem": [
    (client, { namespace = ["a"], value = {}, ...o }) =>
      client.store.putItem(namespace as string[], "k", value as Options, o),
    { namespace: by(["b"]), value: by({ a: 1 }), index: by(["a"]), ttl: by(5) },
  ],
  "store.getItem": [
    (client, { namespace = ["a"], ...o }) => client.store.getItem(namespace as string[], "k", o),
    { namespace: by(["b"]), refreshTtl: by(true) },
  ],
  "store.deleteItem": [
    (client, { namespace = ["gone"], ...o }) => client.store.deleteItem(namespace as string[], "k", o),
    { namespace: by(["b"]) },
  ],
  "store.searchItems": [
    (client, { namespacePrefix = ["a"], ...o }) => client.store.searchItems(namespacePrefix as string[], o),
    { ...page, namespacePrefix: by(["b"]), filter: by({ a: 1 }), query: by("like this"), refreshTtl: by(true) },
  ],
  "store.listNamespaces": [
    (client, o) => client.store.listNamespaces(o),
    { ...page, prefix: by(["a"]), suffix: by(["a"]), maxDepth: by(1) },
  ],
  "crons.createForThread": [
    (client, o, t) => client.crons.createForThread(t.thread, "saying", { schedule: "0 0 * * *", ...o }),
    cron,
  ],
  "crons.create": [(client, o) => client.crons.create("saying", { schedule: "0 0 * * *", ...o }), cron],
  "crons.update": [(client, o, t) => client.crons.update(t.thread, o), cron],
  "crons.delete": [(client, o, t) => client.crons.delete(t.thread, o), {}],
  "crons.search": [
    (client, o) => client.crons.search(o),
    {
      ...{ ...page, assistantId: () => crypto.randomUUID(), threadId: ({ thread }) => thread, enabled: by(true) },
      ...{ sortBy: by("created_at"), sortOrder: by("asc"), select: by(["cron_id"]), metadata: by({ a: 1 }) },
    },
  ],
  "crons.count": [
    (client, o) => client.crons.count(o),
    { assistantId: () => crypto.randomUUID(), threadId: ({ thread }) => thread, metadata: by({ a: 1 }) },
  ],
};
