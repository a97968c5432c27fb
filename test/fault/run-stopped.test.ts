/** A run that is stopped while it writes: its lease is given back, and its data deleted, when nothing can land any more. */
import { randomUUID } from "node:crypto";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { connectDynamo, type DynamoDBDocumentClient, ensureTable } from "@tenure/core/dynamo";
import { deleteThread } from "@tenure/functions/deletion";
import type { GraphFactory } from "@tenure/functions/graphs";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openApi, type TestApi } from "../support/service/api.ts";
import { credentials } from "../support/stores/dynamo.ts";
import { behindGateway } from "../support/stores/redis.ts";

type Durability = "sync" | "async" | "exit";

describe("a run that is stopped while a checkpoint is under way", () => {
  let api: TestApi;
  let client: DynamoDBDocumentClient;
  const close: (() => unknown)[] = [];
  /** The second head of a run stops here, if a test wants it. */
  let held: { reached: () => void; go: Promise<void> } | undefined;
  /** Nodes that go on after the run was stopped, and write to the memory then. */
  const stubborn: Promise<unknown>[] = [];

  beforeAll(async () => {
    const dynamo = await startLocalDynamo();
    client = connectDynamo({ endpoint: dynamo.url, region: "local", credentials });
    await ensureTable(client, "tenure");
    const gateway = await behindGateway(new EmbeddedRedis());
    const slow = new Proxy(client, {
      get: (target, name) =>
        name === "send"
          ? async (command: { input: { Item?: { sk: string; pk: string } } }, options: never) => {
              if (held && command.input.Item?.sk.startsWith("head#") && ++heads === 2) {
                held.reached();
                await held.go;
              }
              return target.send(command as never, options);
            }
          : Reflect.get(target, name),
    });
    const metadataOf = (of: { metadata?: Record<string, unknown> }) => ({ run_id: of.metadata?.run_id });
    const saver = new DynamoDBSaver({ client: slow, tableName: "tenure", metadataOf });
    const State = Annotation.Root({ n: Annotation<number> });
    const graph = (({ checkpointer }) =>
      new StateGraph(State)
        .addNode("one", () => ({ n: 1 }))
        .addNode("two", async (_, { signal, configurable }) => {
          if (held) {
            const stopped = new Promise<void>((resolve) => {
              if (signal?.aborted) resolve();
              else signal?.addEventListener("abort", () => resolve());
            });
            const late = stopped.then(() => new Promise((resolve) => setTimeout(resolve, 50)));
            // Not LangGraph's own handle of the store, which answers nobody once its run has ended.
            const memory = api.deps.storeOf(String(configurable?.langgraph_auth_user_id));
            stubborn.push(late.then(() => memory.put(["late"], "item", { late: true })).catch((error) => error));
            await stopped;
            throw new Error("stopped");
          }
          return { n: 2 };
        })
        .addEdge(START, "one")
        .addEdge("one", "two")
        .compile({ ...(checkpointer && { checkpointer: saver as never }) })) as GraphFactory;
    api = await openApi({
      redis: { url: gateway.url, token: gateway.token },
      dynamo: { endpoint: dynamo.url, region: "local", credentials },
      graphs: { graph },
    });
    close.push(api.close, () => client.destroy(), gateway.close, dynamo.close);
  });
  afterAll(async () => {
    for (const one of close) await one();
  });

  let heads = 0;

  /** A run that has its second checkpoint under way; `go` lets that land. */
  async function begin(durability: Durability) {
    const { threads } = api.deps;
    const [owner, threadId, id] = [`user-${randomUUID()}`, randomUUID(), randomUUID()];
    await threads.create({ id: threadId, owner, metadata: { graph_id: "graph" } });
    const now = Date.now();
    const run = {
      ...{ id, threadId, owner, assistantId: "graph", graphId: "graph", metadata: {}, multitask: "reject" },
      ...{ request: { assistant_id: "graph", input: { n: 0 }, durability }, createdAt: now, startAt: now },
    };
    heads = 0;
    let go = () => {};
    const reached = new Promise<void>((resolve) => {
      held = {
        reached: resolve,
        go: new Promise((open) => {
          go = open;
        }),
      };
    });
    await api.runner.submit(run, { here: true });
    await reached;
    return { threadId, owner, id, go };
  }

  const isLeased = async (threadId: string) => (await api.deps.threads.begin(threadId, "other")) !== undefined;
  const listed = async (threadId: string, owner: string) => {
    const thread = await api.deps.threads.get(threadId, owner);
    const found: unknown[] = [];
    const saver = new DynamoDBSaver({ client, tableName: "tenure" });
    const config = { configurable: { thread_id: threadId, __thread_life: thread?.incarnation } };
    for await (const { checkpoint } of saver.list(config)) found.push(checkpoint.channel_values.n);
    return found;
  };

  describe.each<Durability>(["sync", "async"])("%s", (durability) => {
    it("keeps its lease until that has landed, and stores nothing afterwards", async () => {
      const { threadId, owner, id, go } = await begin(durability);
      const cancelled = api.runner.cancel(threadId, id, "interrupt", { wait: true });
      expect(await isLeased(threadId)).toBe(true);
      go();
      await cancelled;
      const before = await listed(threadId, owner);
      await Promise.all(stubborn);
      expect(await isLeased(threadId)).toBe(false);
      expect(await listed(threadId, owner)).toEqual(before);
      expect(await api.deps.storeOf(owner).get(["late"], "item")).toBe(null);
      for (const outcome of await Promise.all(stubborn))
        expect(outcome).toMatchObject({ reason: { tag: "thread-busy" } });
      held = undefined;
    });

    it("is rolled back without a trace, and the thread takes another run", async () => {
      const { threadId, owner, id, go } = await begin(durability);
      const cancelled = api.runner.cancel(threadId, id, "rollback", { wait: true });
      go();
      await cancelled;
      await Promise.all(stubborn);
      expect(await listed(threadId, owner)).toEqual([]);
      held = undefined;
      const now = Date.now();
      const next = {
        ...{ id: randomUUID(), threadId, owner, assistantId: "graph", graphId: "graph", metadata: {} },
        ...{ request: { assistant_id: "graph", input: { n: 5 } }, multitask: "reject", createdAt: now, startAt: now },
      };
      await api.runner.submit(next, { here: true });
      await api.runner.idle();
      expect(await api.deps.threads.run(threadId, next.id)).toMatchObject({ status: "success" });
      expect((await listed(threadId, owner))[0]).toBe(2);
    });

    it("is deleted with its thread, once that has landed", async () => {
      const { threadId, owner, go } = await begin(durability);
      const deleted = deleteThread(api.deps, api.runner, { id: threadId, owner });
      go();
      expect(await deleted).toBe(true);
      await Promise.all(stubborn);
      held = undefined;
      expect((await new DynamoDBSaver({ client, tableName: "tenure" }).inspect(threadId)).checkpoints).toEqual([]);
      expect(await api.deps.threads.create({ id: threadId, owner: "eve", metadata: {} })).not.toBe(false);
      expect(await listed(threadId, "eve")).toEqual([]);
    });
  });
});
