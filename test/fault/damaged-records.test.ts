/**
 * Damaged records: every list of a user's goes on past every kind of them, shows each in its place, and each can be deleted. A
 * record is damaged as bits on a disk are, or as one that a newer version has written looks to this one.
 */
import { crc32, deflateRawSync } from "node:zlib";
import { PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { interrupt, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { isLong } from "../support/runner/size.ts";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";

type Item = Record<string, unknown> & { pk: string; sk: string };
type Shown = Record<string, unknown> & { error?: { error: string; message: string } };

const asking: GraphFactory = ({ checkpointer }) =>
  new StateGraph(MessagesAnnotation)
    .addNode("say", () => ({ messages: [{ role: "assistant", content: "Hello." }] }))
    .addNode("ask", () => ({ messages: [{ role: "assistant", content: String(interrupt("well?")) }] }))
    .addEdge(START, "say")
    .addEdge("say", "ask")
    .compile({ checkpointer: checkpointer ?? new MemorySaver() }) as unknown as ReturnType<GraphFactory>;

/** The damages of a record: fields of it, anew. */
const damages: Record<"thread" | "head" | "writes" | "run" | "assistant" | "store", Record<string, object>> = {
  thread: {
    "metadata that is no JSON": { metadata: "{" },
    "metadata of another shape": { metadata: "[]" },
    "no config": { config: undefined },
    "a line of another format": { line: '{"2":[]}' },
    "a status of another version": { status: "archived" },
    "a time that is none": { createdAt: "yesterday", updatedAt: Number.MAX_SAFE_INTEGER },
    "no owner": { owner: undefined },
    "nothing but its key": {
      ...{ metadata: 1, config: 1, line: 1, status: 1, createdAt: "", updatedAt: "", owner: 1, fence: "", id: 1 },
    },
  },
  head: {
    "other bytes": { d: Buffer.from("rubbish") },
    "no bytes": { d: undefined },
    "bytes of a codec of another version": { d: Buffer.from([9, 1, 2, 3, 4, 5]) },
    "a layout of another version": { d: coded("2\n{}") },
    "a layout that lacks its end": { d: (life: string) => coded(`{"n":1,"g":"${life}","b":[9],"m":[9],"c":{}}\n`) },
    "a value that the serializer cannot read": {
      d: (life: string) => coded(`{"n":0,"g":"${life}","b":[1],"m":[2],"c":{}}\n{{}`),
    },
  },
  writes: {
    "other bytes": { w0: ["messages", "json", Buffer.from("rubbish")] },
    "a write of another format": { w0: 7 },
    "a value that the serializer cannot read": { w0: ["messages", "json", coded("{")] },
  },
  run: {
    "other bytes": { request: Buffer.from("rubbish") },
    "a request of another format": { request: deflateRawSync("[]") },
    "no metadata": { metadata: undefined },
    "a status of another version": { status: "paused" },
    "nothing but its key": {
      ...{ request: 7, metadata: 1, status: 1, owner: 1, createdAt: "", updatedAt: "", startAt: "", attempt: "" },
    },
  },
  assistant: {
    "what is no JSON": { data: "{" },
    "another shape": { data: '{"version":"1"}' },
    "nothing at all": { data: undefined, highest: undefined },
  },
  store: {
    "a value that is no JSON": { value: "{" },
    "a value of another shape": { value: "[1]" },
    "no namespace and no times": { namespace: 7, createdAt: "", updatedAt: undefined, value: undefined },
  },
};

/** Bytes as the checkpointer's codec 0 codes them. */
function coded(text: string): Buffer {
  const bytes = Buffer.from(text);
  const header = Buffer.alloc(5);
  header.writeUInt32LE(crc32(bytes), 1);
  return Buffer.concat([header, bytes]);
}

describe.each(dynamoEngines)("on $name", (engine) => {
  /** In the short form every third, and of the engines each has others. */
  const some = <T>(all: T[]): T[] => all.filter((_, i) => isLong || i % 3 === dynamoEngines.indexOf(engine) % 3);
  let user: UserApi;
  beforeAll(async () => {
    user = await openUserApi(engine, { graphs: { asking }, codePolicy: { resendMs: 0 } });
  });
  afterAll(() => user.close());
  // Each test has a user of its own, so that its lists are short and its runs below the limit of a minute.
  let email = "";
  let tests = 0;
  beforeEach(async () => {
    email = `ada-${++tests}@example.com`;
    await user.become(email);
  });

  const id = (shown: Shown) => shown.run_id ?? shown.thread_id ?? shown.assistant_id ?? shown.key;
  async function ask<T = Shown>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await user.ask<T>(method, path, body);
    expect([method, path, answer.status, answer.status < 300 ? "" : answer.body]).toEqual([
      ...[method, path, expect.toSatisfy((status: number) => status < 300), ""],
    ]);
    return answer.body;
  }
  async function find(pk: string, prefix: string): Promise<Item> {
    const { Items = [] } = await user.table.client.send(
      new QueryCommand({
        TableName: user.table.tableName,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
        ExpressionAttributeValues: { ":pk": pk, ":prefix": prefix },
        ScanIndexForward: false,
      }),
    );
    return Items[0] as Item;
  }
  const damage = async (item: Item, fields: object) =>
    user.table.client.send(new PutCommand({ TableName: user.table.tableName, Item: { ...item, ...fields } }));

  /** Asks for every list there is, and gives what each has. */
  async function lists(threadId: string): Promise<Record<string, Shown[]>> {
    const named: Record<string, [string, string, unknown?]> = {
      threads: ["POST", "/threads/search", { limit: 1000 }],
      "threads by time": ["POST", "/threads/search", { limit: 1000, sort_by: "updated_at", sort_order: "asc" }],
      "threads by values": ["POST", "/threads/search", { limit: 1000, values: { nothing: "like this" } }],
      runs: ["GET", `/threads/${threadId}/runs?limit=1000`],
      history: ["POST", `/threads/${threadId}/history`, { limit: 1000 }],
      "history of a run": ["POST", `/threads/${threadId}/history`, { limit: 1000, metadata: { run_id: "none" } }],
      assistants: ["POST", "/assistants/search", { limit: 1000 }],
      activity: ["GET", "/activity?limit=100"],
      devices: ["GET", "/auth/sessions"],
      items: ["POST", "/store/items/search", { limit: 1000 }],
      namespaces: ["POST", "/store/namespaces", {}],
    };
    const found: Record<string, Shown[]> = {};
    for (const [name, [method, path, body]] of Object.entries(named)) {
      const answer = await ask<Shown[] | Record<string, Shown[]>>(method, path, body);
      found[name] = Array.isArray(answer) ? answer : (Object.values(answer)[0] as Shown[]);
    }
    expect(await ask<number>("POST", "/threads/count", {})).toBe(found.threads?.length);
    await user.api.runner.sweep();
    return found;
  }

  /** A thread that waits, with a checkpoint before, writes beside the last one, and a run. */
  async function newThread(): Promise<string> {
    const { thread_id } = await ask("POST", "/threads", { metadata: { graph_id: "asking" } });
    await ask("POST", `/threads/${thread_id}/runs/wait`, { assistant_id: "asking", input: { messages: [] } });
    return String(thread_id);
  }
  const problem = async (method: string, path: string, body?: unknown) => {
    const { status, body: answer } = await user.ask<{ type?: string; detail?: string }>(method, path, body);
    return [status, answer?.type, answer?.detail];
  };
  const says = (what: RegExp) => [409, "/api/problems/record-damaged", expect.stringMatching(what)];

  it.each(some(Object.entries(damages.thread)))("a thread's record with %s", async (_kind, fields) => {
    const [before, threadId, after] = [await newThread(), await newThread(), await newThread()];
    await damage(await find(`thread#${threadId}`, "thread"), fields);
    const found = await lists(threadId);
    expect(found.threads?.slice(0, 3).map(id)).toEqual([after, threadId, before]);
    const error = { error: "record-damaged", message: expect.stringContaining(threadId) };
    expect(found.threads?.[1]).toMatchObject({ thread_id: threadId, status: "error", error });
    expect(found.threads?.[0]).toMatchObject({ status: "interrupted" });
    expect(found.threads?.[0]).not.toHaveProperty("error");
    expect(found["threads by time"]?.map(id)).toContain(threadId);
    if (Object.keys(fields).includes("owner")) {
      // Nobody can show that it is theirs but by the index.
      expect((await user.ask("GET", `/threads/${threadId}`)).status).toBe(200);
    }
    expect(await ask("GET", `/threads/${threadId}`)).toMatchObject({ status: "error", error });
    const run = { assistant_id: "asking", input: { messages: [] } };
    expect(await problem("POST", `/threads/${threadId}/runs/wait`, run)).toEqual(says(/Copy the thread.*delete it/));
    expect(await problem("PATCH", `/threads/${threadId}`, { metadata: {} })).toEqual(says(/delete it/));
    await ask("DELETE", `/threads/${threadId}`);
    expect((await lists(after)).threads?.slice(0, 2).map(id)).toEqual([after, before]);
  });

  it.each([
    ...some(Object.entries(damages.head)).map((one) => ["head#", ...one] as const),
    ...some(Object.entries(damages.writes)).map((one) => ["writes#", ...one] as const),
  ])("a checkpoint whose %s has %s", async (prefix, _kind, fields) => {
    const [before, threadId, after] = [await newThread(), await newThread(), await newThread()];
    const whole = await ask<Shown[]>("GET", `/threads/${threadId}/history`);
    const { life } = await find(`thread#${threadId}`, "thread");
    const of = Object.entries(fields).map(([name, value]) => [name, typeof value === "function" ? value(life) : value]);
    await damage(await find(`checkpoint#${threadId}`, prefix), Object.fromEntries(of));
    const found = await lists(threadId);
    expect(found.threads?.slice(0, 3).map(id)).toEqual([after, threadId, before]);
    const error = { error: "record-damaged", message: expect.stringMatching(/earlier checkpoint/) };
    expect(found.threads?.[1]).toMatchObject({ status: "error", values: null, error });
    const [newest, ...rest] = whole;
    expect(found.history).toEqual([
      {
        ...{ values: {}, next: [], tasks: [], error },
        checkpoint: newest?.checkpoint,
        metadata: null,
        created_at: null,
        parent_checkpoint: null,
      },
      ...rest,
    ]);
    expect(await ask("GET", `/threads/${threadId}`)).toMatchObject({ status: "error", error });
    const advice = says(/earlier checkpoint.*delete the thread/);
    expect(await problem("GET", `/threads/${threadId}/state`)).toEqual(advice);
    const run = { assistant_id: "asking", input: { messages: [] } };
    const ended = await ask<{ __error__: { message: string } }>("POST", `/threads/${threadId}/runs/wait`, run);
    expect(ended.__error__.message).toMatch(/earlier checkpoint/);
    // The advice holds: the thread goes on from there, and is whole.
    const { checkpoint_id } = (rest[0] as Shown).checkpoint as { checkpoint_id: string };
    await ask("POST", `/threads/${threadId}/state`, { checkpoint_id, values: null });
    expect(await ask("GET", `/threads/${threadId}`)).not.toHaveProperty("error");
    const again = await ask("POST", `/threads/${threadId}/runs/wait`, run);
    expect(again.__error__ ?? {}).toEqual({});
    await ask("DELETE", `/threads/${threadId}`);
    expect((await lists(after)).threads?.slice(0, 2).map(id)).toEqual([after, before]);
  });

  it.each(some(Object.entries(damages.run)))("a run's record with %s", async (_kind, fields) => {
    const threadId = await newThread();
    const { run_id } = await ask("POST", `/threads/${threadId}/runs`, { assistant_id: "asking", after_seconds: 600 });
    const runId = String(run_id);
    await damage(await find(`thread#${threadId}`, `run#${runId}`), fields);
    const found = await lists(threadId);
    expect(found.runs?.map(id)).toContain(runId);
    const error = { error: "record-damaged", message: expect.stringContaining(runId) };
    expect(found.runs?.find((one) => id(one) === runId)).toMatchObject({ status: "error", error });
    expect(await ask("GET", `/threads/${threadId}/runs/${runId}`)).toMatchObject({ status: "error", error });
    await ask("DELETE", `/threads/${threadId}/runs/${runId}`);
    expect((await lists(threadId)).runs?.map(id)).not.toContain(runId);
    // The line goes on without it.
    const command = { resume: "yes" };
    const ended = await ask("POST", `/threads/${threadId}/runs/wait`, { assistant_id: "asking", command });
    expect(ended).not.toHaveProperty("__error__");
  });

  it("a run that is damaged before its turn, which ends with an error, and the next one begins", async () => {
    const { thread_id } = await ask("POST", "/threads", {});
    const run = { assistant_id: "asking", input: { messages: [] }, multitask_strategy: "enqueue" };
    const { threads } = user.api.deps;
    const { owner } = await find(`thread#${thread_id}`, "thread");
    const id = crypto.randomUUID();
    await threads.admit(
      {
        ...{ id, threadId: String(thread_id), owner: String(owner), assistantId: "asking", graphId: "asking" },
        ...{ request: run, metadata: {}, multitask: "enqueue", createdAt: Date.now(), startAt: Date.now() },
      },
      { alone: false },
    );
    await damage(await find(`thread#${thread_id}`, `run#${id}`), { request: Buffer.from("rubbish") });
    const ended = await ask("POST", `/threads/${thread_id}/runs/wait`, run);
    expect(ended).toHaveProperty("__interrupt__");
    expect(await threads.run(String(thread_id), id)).toMatchObject({
      status: "error",
      error: { error: "record-damaged" },
    });
  });

  it.each(some(Object.entries(damages.assistant)))("an assistant with %s", async (_kind, fields) => {
    const { assistant_id } = await ask("POST", "/assistants", { graph_id: "asking", name: "mine" });
    const threadId = await newThread();
    const record = await find(`assistant#${assistant_id}`, "assistant");
    await damage(record, fields);
    const found = await lists(threadId);
    const error = { error: "record-damaged", message: expect.stringContaining(String(assistant_id)) };
    expect(found.assistants?.find((one) => id(one) === assistant_id)).toMatchObject({ error });
    expect(found.assistants?.some((one) => one.name === "asking")).toBe(true);
    expect(await ask("GET", `/assistants/${assistant_id}`)).toMatchObject({ error });
    const run = { assistant_id, input: { messages: [] } };
    expect(await problem("POST", `/threads/${threadId}/runs/wait`, run)).toEqual(says(/earlier version/));
    if (record.highest !== undefined && !("highest" in fields)) {
      await ask("POST", `/assistants/${assistant_id}/latest`, { version: 1 });
      expect(await ask("GET", `/assistants/${assistant_id}`)).toMatchObject({ name: "mine" });
    }
    await ask("DELETE", `/assistants/${assistant_id}`);
    expect((await lists(threadId)).assistants?.map(id)).not.toContain(assistant_id);
  });

  it.each(some(Object.entries(damages.store)))("an item of memory with %s", async (_kind, fields) => {
    const threadId = await newThread();
    const namespace = ["notes", "of #1/%"];
    for (const key of ["a", "b#/%", "c"]) await ask("PUT", "/store/items", { namespace, key, value: { key } });
    const { owner } = await find(`thread#${threadId}`, "thread");
    await damage(await find(`store#${owner}`, "notes/of %231%2F%25/#b"), fields);
    const found = await lists(threadId);
    expect(found.items?.map(id)).toEqual(["a", "b#/%", "c"]);
    const error = { error: "record-damaged", message: expect.stringContaining("b#/%") };
    expect(found.items?.[1]).toMatchObject({ namespace, value: {}, error });
    expect(found.items?.[2]).not.toHaveProperty("error");
    expect(found.namespaces).toEqual([namespace]);
    for (const key of ["a", "b#/%", "c"]) await ask("DELETE", "/store/items", { namespace, key });
    expect((await lists(threadId)).items).toEqual([]);
  });

  it("entries of the activity log", async () => {
    const { activityLog } = user.api.deps;
    const threadId = await newThread();
    const before = (await lists(threadId)).activity ?? [];
    expect(before.length).toBeGreaterThan(0);
    const { Items = [] } = await user.table.client.send(
      new QueryCommand({
        TableName: user.table.tableName,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": `activity#${await accountPk()}` },
      }),
    );
    expect(activityLog).toBeDefined();
    for (const fields of [{ detail: "{" }, { kind: 7 }, { at: "", detail: undefined }]) {
      const item = Items[0] as Item;
      await damage(item, fields);
      const found = (await lists(threadId)).activity ?? [];
      expect(found.map((one) => one.id)).toEqual(before.map((one) => one.id));
      expect(found.find((one) => one.id === item.sk)).toMatchObject({
        kind: "unreadable",
        at: Number.parseInt(item.sk, 10),
      });
      await damage(item, {});
    }
  });

  const accountPk = async () => {
    const { accountOf } = await import("@tenure/functions/identity");
    return accountOf(user.api.deps.pepper, email);
  };

  it("a session of another version, which can be ended", async () => {
    const threadId = await newThread();
    await user.api.logIn(email);
    const devices = (await lists(threadId)).devices ?? [];
    const other = devices.find((one) => !one.current) as Shown;
    const keys = (await user.redis.engine.send(["KEYS", `session:*:${other.id}`])) as string[];
    await user.redis.engine.send(["SET", keys[0] ?? "", "2 another format"]);
    const found = (await lists(threadId)).devices ?? [];
    expect(found.map((one) => one.id)).toEqual(devices.map((one) => one.id));
    expect(found.find((one) => one.id === other.id)).toMatchObject({ damaged: true, createdAt: null });
    await ask("DELETE", `/auth/sessions/${other.id}`);
    expect((await lists(threadId)).devices?.map((one) => one.id)).not.toContain(other.id);
  });
});
