/** Throttling, errors of the service, lost requests and replies, batches half done: what DynamoDB does on a bad day. */
import { randomUUID } from "node:crypto";
import { GetCommand } from "@aws-sdk/lib-dynamodb";
import type { CheckpointMetadata } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { systemClock } from "@tenure/core/clock";
import { connectDynamo, Table } from "@tenure/core/dynamo";
import { type Begun, createThreadStore, defaultLeasePolicy } from "@tenure/core/thread";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { sized } from "../support/runner/size.ts";
import { holdTimers, isSettled } from "../support/runner/time.ts";
import { failingClient } from "../support/stores/dying-client.ts";
import { credentials, dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";
import { type FaultyDynamo, startFaultyDynamo } from "../support/stores/faulty-dynamo.ts";

afterEach(() => void vi.useRealTimers());

const bad = {
  throttled: 8,
  serverError: 6,
  lostRequest: 6,
  lostReply: 8,
  garbledRequest: 4,
  garbledReply: 4,
  unprocessed: 8,
};
const metadata: CheckpointMetadata = { source: "loop", step: 0, parents: {} };
const idOf = (step: number) => `1f0c${String(step).padStart(4, "0")}-0000-6000-8000-000000000000`;

describe.each(dynamoEngines)("on a bad day of $name", ({ open }) => {
  let table: TestTable;
  let faulty: FaultyDynamo;
  let client: ReturnType<typeof connectDynamo>;
  beforeAll(async () => {
    table = await open();
    faulty = await startFaultyDynamo(table.endpoint, bad);
    client = connectDynamo({ endpoint: faulty.url, region: "local", credentials });
  });
  afterAll(async () => {
    client.destroy();
    await faulty.close();
    await table.close();
  });

  it("a thread is written, forked, listed and deleted as on any other", async () => {
    const { tableName } = table;
    const saver = new DynamoDBSaver({ client, tableName });
    const at = (checkpoint_id?: string) => ({
      configurable: { thread_id: "weather", checkpoint_ns: "", ...(checkpoint_id && { checkpoint_id }) },
    });
    const put: { id: string; values: Record<string, unknown> }[] = [];
    for (let step = 0; step < sized(24, 40); step++) {
      const parent = put.at(step % 10 === 9 ? -5 : -1);
      const values = {
        messages: [...((parent?.values.messages as string[]) ?? []), `message ${step} `.repeat(40)],
        ...(step % 15 === 7 && {
          document: String.fromCharCode(...Array.from({ length: 30_000 }, (_, i) => 97 + ((i * step) % 26))),
        }),
      };
      const id = idOf(step);
      const checkpoint = {
        v: 4,
        id,
        ts: "",
        channel_values: values,
        channel_versions: { messages: step },
        versions_seen: {},
      };
      const config = await saver.put(at(parent?.id), checkpoint, metadata, { messages: step });
      await saver.putWrites(config, [["messages", step]], "task");
      put.push({ id, values });
    }
    expect(Object.keys(faulty.met).sort()).toEqual([
      "garbledReply",
      "garbledRequest",
      "lostReply",
      "lostRequest",
      "serverError",
      "throttled",
    ]);

    const calm = new DynamoDBSaver({ client: table.client, tableName });
    for (const saver of [calm, new DynamoDBSaver({ client, tableName })]) {
      const listed = [];
      for await (const tuple of saver.list(at())) listed.push(tuple);
      expect(listed.map(({ checkpoint }) => checkpoint.id)).toEqual(put.map(({ id }) => id).reverse());
      for (const { checkpoint, pendingWrites } of listed) {
        const step = Number(checkpoint.id.slice(4, 8));
        expect(checkpoint.channel_values).toEqual(put[step]?.values);
        expect(pendingWrites).toEqual([["task", "messages", step]]);
      }
    }
    await saver.deleteThread("weather");
    // A deletion is a few batches: others follow until the weather has cut one of them short.
    for (let n = 0; !faulty.met.unprocessed; n++) {
      const config = { configurable: { thread_id: `weather-${n}` } };
      const checkpoint = { v: 4, id: idOf(n), ts: "", channel_values: {}, channel_versions: {}, versions_seen: {} };
      await saver.put(config, checkpoint, metadata, {});
      await saver.deleteThread(`weather-${n}`);
    }
    expect((await calm.inspect("weather")).kinds).toMatchObject({
      heads: { items: 0 },
      segments: { items: 0 },
      writes: { items: 0 },
    });
  });

  it("whoever was given a thread or its lease is told so, however often the request was sent", async () => {
    const threads = createThreadStore(
      new Table({ client, tableName: table.tableName, clock: systemClock }),
      systemClock,
      defaultLeasePolicy,
    );
    for (let i = 0; i < sized(6, 12); i++) {
      const id = `thread-${i}`;
      expect(await threads.create({ id, owner: "me", metadata: {} })).toMatchObject({ id });
      const run = { id: randomUUID(), threadId: id, owner: "me", assistantId: "a", graphId: "g" };
      const asked = { request: {}, metadata: {}, multitask: "reject", createdAt: Date.now(), startAt: 0 };
      // Half of them take the lease as they are admitted.
      const holder = i % 2 === 0 ? "holder" : undefined;
      const admitted = await threads.admit({ ...run, ...asked }, { alone: true, holder });
      if (!holder) expect(admitted).toBe("admitted");
      const begun = (holder ? admitted : await threads.begin(id, "holder")) as Begun;
      expect(begun).toMatchObject({ lease: { holder: "holder" }, run: { id: run.id, attempt: 1 } });
      expect(await threads.settle(begun.lease, { status: "success", thread: "idle" })).toBe("done");
      expect(await threads.get(id, "me")).toMatchObject({ status: "idle", inflight: [] });
    }
  });

  it.each([
    ["throttled", "not-applied"],
    ["lostReply", "unknown"],
  ] as const)(
    "tries for ten seconds when it does not get better, and says what is known: %s",
    async (kind, outcome) => {
      faulty.weather = { [kind]: 100 };
      const seen = await client.send(new GetCommand({ TableName: table.tableName, Key: { pk: "p", sk: "s" } })).then(
        () => new Error("it was answered"),
        (error: unknown) => error,
      );
      let failure: unknown;
      const saver = new DynamoDBSaver({ client: failingClient(client, () => failure), tableName: table.tableName });
      const checkpoint = { v: 4, id: "1", ts: "", channel_values: {}, channel_versions: {}, versions_seen: {} };
      const put = () => saver.put({ configurable: { thread_id: "t" } }, checkpoint, metadata, {});
      // The format of the table is known before the weather turns.
      faulty.weather = {};
      await put();
      failure = seen;
      const time = holdTimers();
      const putting = put();
      await time.advance(9_900);
      expect(await isSettled(putting)).toBe(false);
      const refused = expect(putting).rejects.toMatchObject({ reason: { tag: "store-unavailable", outcome } });
      await time.advance(100);
      await refused;
    },
  );
});
