/**
 * Random lives of threads whose sub-graphs share the messages of the graph around them: two processes, a clock that runs over lifetimes of
 * checkpoints, a deleter that takes each expired item as soon as it may, deletions and copies of threads. Every checkpoint that was put is read back whole by
 * a process that has nothing in memory, for as long as it lives.
 */
import { BatchWriteCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import type { Checkpoint, CheckpointMetadata } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomOf } from "../support/random.ts";
import { sized } from "../support/runner/size.ts";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

const HOUR = 3_600_000;

interface Put {
  namespace: string;
  id: string;
  values: Record<string, unknown>;
  until: number;
}

describe.each(dynamoEngines)("sub-graphs on $name", ({ name, open }) => {
  let table: TestTable;
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  async function deleteExpired(now: number): Promise<void> {
    const { Items = [] } = await table.client.send(new ScanCommand({ TableName: table.tableName }));
    const gone = Items.filter(({ expiresAt }) => typeof expiresAt === "number" && expiresAt * 1000 <= now);
    for (let at = 0; at < gone.length; at += 25) {
      const requests = gone.slice(at, at + 25).map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } }));
      await table.client.send(new BatchWriteCommand({ RequestItems: { [table.tableName]: requests } }));
    }
  }

  it("outlive the graph around them, whose bytes they referred to", async () => {
    let now = Date.UTC(2027, 0, 1);
    const newSaver = () =>
      new DynamoDBSaver({ client: table.client, tableName: table.tableName, ttlMs: HOUR, clock: { now: () => now } });
    const saver = newSaver();
    const thread_id = `sub-graphs-${name}-around`;
    const messages = Array.from({ length: 4000 }, (_, n) => (n ** 5).toString(36));
    const put = (
      checkpoint_ns: string,
      id: string,
      values: Record<string, unknown>,
      parents: Record<string, string>,
      parent?: string,
    ) => {
      const versions = Object.fromEntries(Object.keys(values).map((channel) => [channel, 1]));
      const about = { v: 4, id, ts: "", versions_seen: {}, channel_versions: versions };
      const config = { configurable: { thread_id, checkpoint_ns, checkpoint_id: parent } };
      return saver.put(config, { ...about, channel_values: values }, { source: "loop", step: 0, parents }, versions);
    };
    await put("", "1", { messages }, {});
    const { Count: before } = await table.client.send(new ScanCommand({ TableName: table.tableName }));
    now += 0.9 * HOUR;
    await put("team:1", "2", { __start__: { messages } }, { "": "1" });
    const { Count: after = 0 } = await table.client.send(new ScanCommand({ TableName: table.tableName }));
    // No segment of its own: the head alone.
    expect(after - (before ?? 0)).toBe(1);
    now += 0.9 * HOUR;
    await put("team:1", "3", { messages }, {}, "2");
    now += 0.5 * HOUR;
    await deleteExpired(now);
    const tuple = await newSaver().getTuple({
      configurable: { thread_id, checkpoint_ns: "team:1", checkpoint_id: "3" },
    });
    expect(tuple?.checkpoint.channel_values).toEqual({ messages });
  });

  it.each(Array.from({ length: sized(5, 40) }, (_, seed) => seed + 1))(
    "keep what they put, in life %i",
    async (seed) => {
      const random = randomOf(seed);
      const thread = `sub-graphs-${name}-${seed}`;
      let now = Date.UTC(2027, 0, 1);
      let [made, turn] = [0, 0];
      let messages: string[] = [];
      let puts: Put[] = [];
      let latest: string | undefined;
      let team: { namespace: string; messages: string[]; id?: string } = { namespace: "", messages: [] };
      const newSaver = () =>
        new DynamoDBSaver({ client: table.client, tableName: table.tableName, clock: { now: () => now } });
      const processes = [newSaver(), newSaver()];
      const text = () =>
        Array.from({ length: 4 + random(random(3) === 0 ? 2000 : 60) }, () => random(2 ** 31).toString(36)).join(" ");
      const at = (namespace: string, id?: string, ttl_ms?: number, thread_id = thread) => ({
        configurable: { thread_id, checkpoint_ns: namespace, checkpoint_id: id, ttl_ms },
      });

      async function put(namespace: string, parent: string | undefined, values: Record<string, unknown>) {
        const id = `1f0c${String(made++).padStart(4, "0")}-0000-6000-8000-000000000000`;
        const ttl = random(3) === 0 ? 3 * HOUR : HOUR;
        const versions = Object.fromEntries(Object.keys(values).map((channel) => [channel, made]));
        const checkpoint: Checkpoint = {
          ...{ v: 4, id, ts: new Date(now).toISOString(), versions_seen: {} },
          ...{ channel_values: values, channel_versions: versions },
        };
        const parents: Record<string, string> = namespace && latest ? { "": latest } : {};
        const metadata: CheckpointMetadata = { source: "loop", step: made, parents };
        const saver = processes[random(2)] as DynamoDBSaver;
        await saver.put(at(namespace, parent, ttl), checkpoint, metadata, versions);
        puts.push({ namespace, id, values, until: Math.ceil((now + ttl) / 1000) * 1000 });
        return id;
      }
      const live = () => puts.filter(({ until }) => until > now);
      const read = async (namespace: string, id: string, of = thread) =>
        (await newSaver().getTuple(at(namespace, id, undefined, of)))?.checkpoint.channel_values;

      for (let step = 0; step < 80; step++) {
        const isThere = puts.some(({ id, until }) => id === latest && until > now);
        if (!isThere) latest = undefined;
        if (messages.length > 40) messages = [];
        const one = random(12);
        if (one < 3) {
          messages = [...messages, ...Array.from({ length: 1 + random(4) }, text)];
          latest = await put("", latest, { messages });
        } else if (one < 5 && latest) {
          team = { namespace: `team:${turn++}`, messages };
          team.id = await put(team.namespace, undefined, { __start__: { messages }, messages: [] });
        } else if (one < 8 && puts.some(({ id, until }) => id === team?.id && until > now)) {
          team.messages = [...team.messages, text()];
          team.id = await put(team.namespace, team.id, { messages: team.messages });
        } else if (one < 10) {
          now += random(HOUR);
          await deleteExpired(now);
        } else if (one < 11) processes[random(2)] = newSaver();
        else if (random(3) === 0) {
          // The next checkpoint may begin with the same messages.
          await (processes[random(2)] as DynamoDBSaver).deleteThread(thread);
          [puts, latest] = [[], undefined];
        } else if (live().length > 0) {
          const copy = `${thread}-copy-${step}`;
          expect(await newSaver().copyThread(at(""), at("", undefined, undefined, copy))).toBe(live().length);
          for (const { namespace, id, values } of live()) expect(await read(namespace, id, copy)).toEqual(values);
        }
        const { [random(Math.max(1, live().length))]: any } = live();
        if (any) expect(await read(any.namespace, any.id)).toEqual(any.values);
      }
      for (const { namespace, id, values } of live()) expect(await read(namespace, id)).toEqual(values);
    },
  );
});
