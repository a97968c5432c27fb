/** Processes that have in memory what another one has rolled back, deleted or copied: what they put stands on bytes that stay. */
import { randomBytes } from "node:crypto";
import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver, type DynamoDBSaverOptions, incarnationConfig } from "@tenure/core/checkpoint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

const noise = (bytes: number) => randomBytes(bytes).toString("base64");
const checkpoint = (id: string, values: Record<string, unknown>): Checkpoint => ({
  v: 4,
  id,
  ts: "",
  channel_values: values,
  channel_versions: { messages: 1 },
  versions_seen: {},
});

let threads = 0;

describe.each(dynamoEngines)("on $name", ({ name, open }) => {
  let table: TestTable;
  let sent: string[] = [];
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  const newThread = () => `stale-${name}-${threads++}`;
  function saverOn(options: Partial<DynamoDBSaverOptions> = {}): DynamoDBSaver {
    const client = new Proxy(table.client, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property);
        if (property !== "send") return value;
        return (command: { input: { Key?: { pk: string } } }, ...rest: unknown[]) => {
          // Not those for the table's format, once for each client.
          if (command.input.Key?.pk !== "tenure") sent.push(command.constructor.name);
          return (value as (...args: unknown[]) => unknown).call(target, command, ...rest);
        };
      },
    });
    const metadataOf: DynamoDBSaverOptions["metadataOf"] = ({ configurable }) => ({ run_id: configurable?.run_id });
    return new DynamoDBSaver({ client, tableName: table.tableName, metadataOf, ...options });
  }
  const at = (thread_id: string, checkpoint_id?: string, more: object = {}) => ({
    configurable: { thread_id, checkpoint_ns: "", ...(checkpoint_id && { checkpoint_id }), ...more },
  });

  /** Puts checkpoints one on the other, each with one message more, and returns the messages. */
  async function run(
    saver: DynamoDBSaver,
    thread: string,
    run_id: string,
    ids: string[],
    on?: string,
    before: string[] = [],
  ) {
    let [parent, messages] = [on, before];
    for (const id of ids) {
      messages = [...messages, noise(400)];
      const config = at(thread, parent, { run_id });
      await saver.put(config, checkpoint(id, { messages }), { source: "loop", step: 0, parents: {} }, { messages: 1 });
      await saver.putWrites(at(thread, id, { run_id }), [["log", id]], "task");
      parent = id;
    }
    return messages;
  }
  const messagesOf = async (thread: string, id?: string) =>
    (await saverOn().getTuple(at(thread, id)))?.checkpoint.channel_values.messages;

  it("is whole what was put on a checkpoint that another process had rolled back", async () => {
    const [thread, saver] = [newThread(), saverOn()];
    const first = await run(saver, thread, "a", ["1", "2", "3"]);
    const undone = await run(saver, thread, "b", ["4", "5"], "3", first);
    await saverOn().deleteRun(thread, "b");
    const last = await run(saver, thread, "c", ["6", "7"], "5", undone);
    expect(await messagesOf(thread)).toEqual(last);
    expect(await messagesOf(thread, "6")).toEqual(last.slice(0, -1));
    for (const id of ["4", "5"]) expect(await messagesOf(thread, id)).toBeUndefined();
    const { log } = await saverOn().getDeltaChannelHistory({ config: at(thread, "7"), channels: ["log"] });
    expect(log?.writes.map(([, , id]) => id)).toEqual(["1", "2", "3", "4", "5", "6"]);
  });

  it("stays whole in a copy what was put on a checkpoint that was rolled back", async () => {
    const [thread, saver] = [newThread(), saverOn()];
    const undone = await run(saver, thread, "a", ["1", "2"]);
    const last = await run(saver, thread, "b", ["3"], "2", undone);
    await saverOn().deleteRun(thread, "a");
    const copy = newThread();
    expect(await saverOn().copyThread(at(thread), at(copy))).toBe(1);
    expect(await messagesOf(copy)).toEqual(last);
    expect(await messagesOf(copy, "2")).toBeUndefined();
  });

  it("stays absent what was rolled back, however many others were", async () => {
    const [thread, saver] = [newThread(), saverOn()];
    const undone = await run(saver, thread, "a", ["1", "2"]);
    await run(saver, thread, "b", ["3"], "2", undone);
    for (let n = 0; n < 25; n++) await saver.deleteRun(thread, n === 0 ? "a" : `other-${n}`);
    for (const id of ["1", "2"]) expect(await messagesOf(thread, id)).toBeUndefined();
    expect(await messagesOf(thread)).toHaveLength(3);
  });

  it("is over what was put on a checkpoint of a deleted thread, and is no part of the thread's next incarnation", async () => {
    const [thread, saver] = [newThread(), saverOn()];
    const before = await run(saver, thread, "a", ["1", "2"]);
    await saverOn().deleteThread(thread);
    const next = await run(saverOn(), thread, "b", ["3"]);
    await run(saver, thread, "c", ["4"], "2", before);
    expect(await messagesOf(thread)).toEqual(next);
  });

  it("costs a put one request, two where its clock is behind, and one more for a fork under a lease", async () => {
    const [thread, saver] = [newThread(), saverOn()];
    const lease = (fence: number) => incarnationConfig({ id: "life", undone: [], fence });
    const put = async (on: string | undefined, id: string, fence?: number) => {
      const config = at(thread, on, fence === undefined ? {} : lease(fence));
      sent = [];
      await saver.put(config, checkpoint(id, {}), { source: "loop", step: 0, parents: {} }, {});
      return sent;
    };
    await saver.getTuple(at(thread, undefined, lease(1)));
    await put(undefined, "1", 1);
    expect(await put("1", "2", 1)).toEqual(["PutCommand"]);
    expect(await put("2", "15", 1)).toEqual(["PutCommand", "PutCommand"]);
    expect(await put("15", "3", 1)).toEqual(["PutCommand"]);
    expect(await put("1", "2a", 2)).toEqual(["QueryCommand", "PutCommand", "PutCommand"]);
    expect(await put("2a", "4", 2)).toEqual(["PutCommand"]);
    for (const [reader, requests] of [
      [saver, []],
      [saverOn(), ["QueryCommand", "QueryCommand"]],
    ] as const) {
      sent = [];
      expect((await reader.getTuple(at(thread, undefined, lease(2))))?.checkpoint.id).toBe("4");
      expect(sent).toEqual(requests);
    }
  });

  it("expires with its pointer where its clock is behind, and is read with keys", async () => {
    let now = Date.now();
    const encryption = { keys: { k1: randomBytes(32) }, current: "k1" };
    const [thread, saver] = [newThread(), saverOn({ ttlMs: 60_000, clock: { now: () => now }, encryption })];
    const put = (on: string | undefined, id: string) =>
      saver.put(at(thread, on), checkpoint(id, { messages: [id] }), { source: "loop", step: 0, parents: {} }, {});
    await put(undefined, "5");
    now += 40_000;
    await put("5", "1");
    const cold = saverOn({ clock: { now: () => now }, encryption });
    expect((await cold.getTuple(at(thread)))?.checkpoint.channel_values).toEqual({ messages: ["1"] });
    now += 30_000;
    expect((await cold.getTuple(at(thread)))?.checkpoint.id).toBe("1");
    now += 40_000;
    expect(await cold.getTuple(at(thread))).toBeUndefined();
    const { items } = (await saver.inspect(thread)).kinds.heads;
    expect(items).toBe(3);
  });
});
