/** LangGraph's long-term memory: its contract, over every DynamoDB. MemoryStore is the oracle where it has the same. */
import { InMemoryStore } from "@langchain/langgraph-checkpoint";
import { DynamoDBStore } from "@tenure/core/memory";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

describe.each(dynamoEngines)("on $name", ({ open }) => {
  let table: TestTable;
  let now = Date.now();
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());
  const storeOf = (scope: string) => new DynamoDBStore({ ...table, scope, clock: { now: () => now } });

  const items: [string[], string, Record<string, unknown>][] = [
    [["users", "ada"], "food", { likes: "tea", level: 3 }],
    [["users", "ada"], "work", { likes: "code", level: 5 }],
    [["users", "ada", "old"], "food", { likes: "milk", level: 1 }],
    [["users", "eve"], "food", { likes: "tea" }],
    [["notes"], "a/b#c%d", { text: "odd name" }],
    [["no#tes", "x/y", "100%"], "k", { text: "odd labels" }],
  ];

  it("finds and lists the same as LangGraph's own, from any prefix on, also from none", async () => {
    const [ours, theirs] = [storeOf("oracle"), new InMemoryStore()];
    for (const store of [ours, theirs])
      for (const [namespace, key, value] of items) await store.put(namespace, key, value);
    const shown = (found: { namespace: string[]; key: string; value: unknown }[]) =>
      found.map(({ namespace, key, value }) => JSON.stringify([namespace, key, value])).sort();
    const filters = [undefined, {}, { likes: "tea" }, { level: { $gte: 3 } }, { likes: { $ne: "tea" } }];
    for (const prefix of [[], ["users"], ["users", "ada"], ["no#tes"], ["no#tes", "x/y"], ["nothing"]])
      for (const filter of filters) {
        const options = { limit: 100, ...(filter && { filter }) };
        const [found, expected] = await Promise.all([ours.search(prefix, options), theirs.search(prefix, options)]);
        expect([prefix, filter, shown(found)]).toEqual([prefix, filter, shown(expected)]);
      }
    const conditions = [
      {},
      { prefix: ["users"] },
      { suffix: ["ada"] },
      { prefix: ["users", "*"] },
      { maxDepth: 1 },
      { prefix: [] },
    ];
    for (const condition of conditions) {
      const options = { limit: 100, offset: 0, ...condition };
      const [found, expected] = await Promise.all([ours.listNamespaces(options), theirs.listNamespaces(options)]);
      const sorted = (namespaces: string[][]) => namespaces.map((one) => JSON.stringify(one)).sort();
      expect([condition, sorted(found)]).toEqual([condition, sorted(expected)]);
    }
  });

  it("pages, and shows each scope its own, all of which it deletes", async () => {
    const [ada, eve] = [storeOf("ada"), storeOf("eve")];
    for (let i = 0; i < 30; i++) await ada.put(["n"], String(i).padStart(2, "0"), { i });
    await eve.put(["n"], "hers", {});
    const found = [];
    for (let offset = 0; offset < 30; offset += 7) found.push(...(await ada.search([], { limit: 7, offset })));
    expect(found.map(({ value }) => value.i)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(await ada.search([], { limit: 0 })).toEqual([]);
    await ada.deleteAll();
    expect(await ada.search([])).toEqual([]);
    expect(await ada.listNamespaces()).toEqual([]);
    expect(await eve.search([])).toHaveLength(1);
  });

  it("forgets an item at its time, and refuses what it cannot keep", async () => {
    const store = storeOf("limits");
    await store.putFor(["n"], "short", { a: 1 }, 60_000);
    await store.put(["n"], "long", { a: 1 });
    expect(await store.get(["n"], "short")).toMatchObject({ value: { a: 1 } });
    now += 61_000;
    expect(await store.get(["n"], "short")).toBe(null);
    expect((await store.search(["n"])).map(({ key }) => key)).toEqual(["long"]);
    const refused = { reason: { tag: "invalid-input" } };
    await expect(store.putFor(["n"], "k", {}, 1e300)).rejects.toMatchObject(refused);
    await expect(store.put(["n"], "x".repeat(1100), {})).rejects.toMatchObject(refused);
    await expect(store.put(["n"], "k", { text: "x".repeat(400_000) })).rejects.toMatchObject(refused);
    await expect(store.search(["x".repeat(1100)])).rejects.toMatchObject(refused);
  });
});
