/** The index of runs that have not ended, over every DynamoDB: a look for what is due costs little, whatever waits. */
import { randomBytes, randomUUID } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { Table } from "@tenure/core/dynamo";
import { type Begun, createThreadStore, defaultLeasePolicy, type NewRun, type ThreadStore } from "@tenure/core/thread";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

const HOUR = 3_600_000;
/** Read units are charged by 4 KB: DynamoDB's developer guide, "Read and write capacity". */
const UNIT_BYTES = 4096;

describe.each(dynamoEngines)("on $name", ({ open }) => {
  let table: TestTable;
  let threads: ThreadStore;
  const now = 1_800_000_000_000;
  const clock = { now: () => now, elapsed: () => now };
  /** Queries of the index since it was emptied: how many items and bytes they have read. */
  const read = { items: 0, bytes: 0, queries: 0 };
  beforeAll(async () => {
    table = await open();
    const send = async (command: unknown) => {
      const answer = await table.client.send(command as QueryCommand);
      if (command instanceof QueryCommand && command.input.IndexName) {
        read.queries += 1;
        read.items += answer.Items?.length ?? 0;
        for (const item of answer.Items ?? []) read.bytes += sizeOf(item);
      }
      return answer;
    };
    threads = createThreadStore(
      new Table({ client: { send } as typeof table.client, tableName: table.tableName, clock }),
      clock,
      defaultLeasePolicy,
    );
  });
  afterAll(() => table.close());

  const sizeOf = (item: Record<string, unknown>) =>
    Object.entries(item).reduce(
      (sum, [name, value]) =>
        sum + name.length + (value instanceof Uint8Array ? value.length : Buffer.byteLength(String(value))),
      0,
    );

  const stored = () => new Table({ client: table.client, tableName: table.tableName, clock });

  async function admitted(more: Partial<NewRun> = {}): Promise<NewRun> {
    const threadId = randomUUID();
    await threads.create({ id: threadId, owner: "ada", metadata: {} });
    const run: NewRun = {
      ...{ id: randomUUID(), threadId, owner: "ada", assistantId: "assistant", graphId: "agent" },
      ...{ request: { input: "x" }, metadata: { topic: "x" }, multitask: "enqueue", createdAt: now, startAt: now },
      ...more,
    };
    await threads.admit(run, { alone: false });
    return run;
  }

  async function due(by?: number): Promise<string[]> {
    const found: string[] = [];
    for await (const { runId } of threads.unfinished(by)) found.push(runId);
    return found;
  }

  it("gives what was to begin at once, whatever its clock, and of the delayed runs those that are due", async () => {
    const [prompt, ahead] = [await admitted(), await admitted({ createdAt: now + HOUR, startAt: now + HOUR })];
    const [past, passing, future] = [
      await admitted({ createdAt: now - HOUR, startAt: now - 1 }),
      await admitted({ createdAt: now - HOUR, startAt: now }),
      await admitted({ startAt: now + 1 }),
    ];
    const all = [prompt, ahead, past, passing, future].map(({ id }) => id);
    const ours = async (by?: number) => (await due(by)).filter((id) => all.includes(id)).sort();
    expect(await ours(now)).toEqual([prompt, ahead, past, passing].map(({ id }) => id).sort());
    expect(await ours()).toEqual([...all].sort());
    const found = [];
    for await (const one of threads.unfinished()) if (all.includes(one.runId)) found.push(one);
    expect(found).toHaveLength(5);
    for (const { threadId, runId, startAt, isDelayed, owner } of found) {
      const run = [prompt, ahead, past, passing, future].find(({ id }) => id === runId) as NewRun;
      expect({ threadId, startAt, isDelayed, owner }).toEqual({
        ...{ threadId: run.threadId, startAt: run.startAt, owner: "ada" },
        isDelayed: run.startAt > run.createdAt,
      });
    }
  });

  it("reads nothing of delayed runs that are not due, and little of large ones that are", async () => {
    const before = (await due(now)).length;
    for (let run = 0; run < 20; run++) await admitted({ startAt: now + HOUR });
    Object.assign(read, { items: 0, bytes: 0, queries: 0 });
    expect(await due(now)).toHaveLength(before);
    expect(read.items).toBe(before);
    const large = {
      request: { input: randomBytes(60_000).toString("base64") },
      metadata: { note: "x".repeat(60_000) },
    };
    for (let run = 0; run < 20; run++) await admitted(large);
    const { bytes } = read;
    Object.assign(read, { items: 0, bytes: 0, queries: 0 });
    expect(await due(now)).toHaveLength(before + 20);
    // With all of the request in the index it was 46 units for each.
    expect((read.bytes - bytes) / 20).toBeLessThan(UNIT_BYTES / 4);
  });

  it("has less than a kilobyte of a run, a write unit, whatever its request", async () => {
    const bytes: number[] = [];
    for (const size of [0, 100, 250, 300, 350, 400, 1000, 4000, 100_000]) {
      const metadata = { note: randomBytes(size % 97).toString("hex") };
      const { id, threadId } = await admitted({ request: { input: randomBytes(size).toString("base64") }, metadata });
      const record = await stored().get({ pk: `thread#${threadId}`, sk: `run#${id}` });
      bytes.push(sizeOf(record ?? {}));
    }
    expect(Math.max(...bytes)).toBeLessThan(1024);
    expect(Math.max(...bytes)).toBeGreaterThan(700);
  });

  it("gives large requests and metadata back, in lists too, in the order of the runs", async () => {
    const first = await admitted();
    const { threadId } = first;
    const runs = [first];
    for (const bytes of [0, 1_000, 3_000, 5_000, 400_000, 10]) {
      const id = `${String(runs.length).padStart(8, "0")}${randomUUID().slice(8)}`;
      const request = { input: randomBytes(bytes).toString("base64") };
      const run = { ...first, id, threadId, request, metadata: { bytes, note: "ü".repeat(bytes / 100) } };
      expect(await threads.admit(run, { alone: false })).toBe("admitted");
      runs.push(run);
    }
    const listed = [];
    for await (const { id, request, metadata } of threads.runs(threadId, "ada")) listed.push({ id, request, metadata });
    const expected = runs.map(({ id, request, metadata }) => ({ id, request, metadata }));
    expect(listed).toEqual(expected.sort((a, b) => (a.id < b.id ? 1 : -1)));
    for (const one of expected) expect(await threads.run(threadId, one.id)).toMatchObject(one);
  });

  it("keeps the request of a run whose admission is repeated with another one, and nothing of that", async () => {
    const large = () => ({ input: randomBytes(5_000).toString("base64") });
    const first = await admitted({ request: large() });
    const again = { ...first, request: large() };
    expect(await threads.admit(again, { alone: false })).toBe("admitted");
    // An admission that finds the thread busy takes its own back, and nobody else's.
    const alone = { ...first, id: randomUUID(), request: large() };
    expect(await threads.admit(alone, { alone: true })).toBe("busy");
    expect(await threads.run(first.threadId, first.id)).toMatchObject({ request: first.request });
    const parts = await partsIn(first.threadId);
    expect(parts).toHaveLength(1);
    // After its end, when nothing in the thread tells of it any more, it stays as well.
    const { lease } = (await threads.begin(first.threadId, "holder")) as Begun;
    await threads.settle(lease, { status: "success", thread: "idle" });
    for (let run = 0; run < 2; run++) {
      const later = { ...first, id: randomUUID(), request: { input: "small" } };
      await threads.admit(later, { alone: false });
      const next = (await threads.begin(first.threadId, "holder")) as Begun;
      await threads.settle(next.lease, { status: "success", thread: "idle" });
    }
    expect(await threads.admit(again, { alone: false })).toBe("admitted");
    expect(await threads.run(first.threadId, first.id)).toMatchObject({ request: first.request, status: "success" });
    expect(await partsIn(first.threadId)).toEqual(parts);
    await threads.removeRun(first.threadId, first.id);
    expect(await partsIn(first.threadId)).toEqual([]);
  });

  async function partsIn(threadId: string): Promise<string[]> {
    const found: string[] = [];
    for await (const { sk } of stored().query({ pk: `thread#${threadId}`, prefix: "request#" })) found.push(sk);
    return found;
  }

  it("finds and reads the runs of earlier versions, and lets them leave the index", async () => {
    const { threadId } = await admitted();
    const begun = (await threads.begin(threadId, "holder")) as Begun;
    const { run } = begun;
    const request = { input: "as it was stored" };
    const item = {
      ...{ pk: `thread#${threadId}`, sk: `run#${run.id}`, id: run.id, threadId, owner: "ada", graphId: "agent" },
      ...{ assistantId: "assistant", createdAt: now, updatedAt: now, startAt: now, status: "pending" },
      ...{ metadata: '{"old":true}', multitask: "enqueue", request: deflateRawSync(JSON.stringify(request)) },
      ...{ ipk: "runs#unfinished", isk: `${String(now).padStart(15, "0")}#${threadId}#${run.id}` },
    };
    const put = new PutCommand({ TableName: table.tableName, Item: item });
    await table.client.send(put);
    const found = [];
    for await (const one of threads.unfinished(now)) if (one.runId === run.id) found.push(one);
    expect(found).toEqual([{ threadId, runId: run.id, startAt: now, isDelayed: false, owner: "ada" }]);
    expect(await threads.run(threadId, run.id)).toMatchObject({ request, metadata: { old: true } });
    await threads.settle(begun.lease, { status: "success", thread: "idle" });
    expect(await due()).not.toContain(run.id);
  });
});
