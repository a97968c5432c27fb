/** Stores on one table and one clock, and the runs that they admit, for the conformance suites of threads. */
import { randomUUID } from "node:crypto";
import { Table } from "@tenure/core/dynamo";
import { type Begun, createThreadStore, defaultLeasePolicy, type NewRun, type ThreadStore } from "@tenure/core/thread";
import { createUserStore } from "@tenure/core/user";
import { afterAll, beforeAll } from "vitest";
import type { dynamoEngines, TestTable } from "../support/stores/dynamo.ts";

/** To be called in a `describe`. */
export function useThreads({ open }: (typeof dynamoEngines)[number]) {
  let table: TestTable;
  const time = { now: 1_800_000_000_000 };
  const clock = { now: () => time.now, elapsed: () => time.now };
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());
  const stores = () => {
    const { client, tableName } = table;
    const seen = new Table({ client, tableName, clock });
    return { threads: createThreadStore(seen, clock, defaultLeasePolicy), users: createUserStore(seen, clock) };
  };
  return {
    time,
    clock,
    stores,
    table: () => table,
    async newThread(): Promise<string> {
      const id = randomUUID();
      await stores().threads.create({ id, owner: "ada", metadata: { topic: "x" } });
      return id;
    },
    runOn: (threadId: string, id: string = randomUUID(), more: Partial<NewRun> = {}): NewRun => ({
      ...{ id, threadId, owner: "ada", assistantId: "assistant", graphId: "agent" },
      ...{ request: { input: id }, metadata: {}, multitask: "enqueue", createdAt: time.now, startAt: time.now },
      ...more,
    }),
  };
}

export const inLine = { alone: false, change: () => ({ metadata: { graph_id: "agent" } }) };

export const begun = async (threads: ThreadStore, threadId: string, holder: string): Promise<Begun> =>
  (await threads.begin(threadId, holder)) as Begun;
