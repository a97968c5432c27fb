/** The items on disk: the journal's promises under dynalite, and what LevelDB had. */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@tenure/core/clock";
import { connectDynamo, ensureTable, Table } from "@tenure/core/dynamo";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLevelStore } from "./item-store.ts";
import { type LocalDynamo, startLocalDynamo } from "./server.ts";
import { type Range, SortedTable } from "./sorted-table.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tenure-items-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (skipDamage = false) => startLocalDynamo({ path: dir, skipDamage });
const journal = () => join(dir, "items.jsonl");

async function using<T>({ url }: LocalDynamo, work: (table: Table) => Promise<T>): Promise<T> {
  const client = connectDynamo({
    endpoint: url,
    region: "local",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  try {
    await ensureTable(client, "things");
    return await work(new Table({ client, tableName: "things", clock: systemClock }));
  } finally {
    client.destroy();
  }
}

const put = (dynamo: LocalDynamo, sk: string, ipk = "i") =>
  using(dynamo, (table) => table.put({ pk: "p", sk, ipk, isk: sk }));
const found = (dynamo: LocalDynamo) =>
  using(dynamo, async (table) => {
    const names: string[] = [];
    for await (const { sk } of table.query({ pk: "p" })) names.push(sk);
    return names;
  });

async function filled(): Promise<LocalDynamo> {
  const dynamo = await open();
  for (const sk of ["a", "b", "c"]) await put(dynamo, sk);
  return dynamo;
}

describe("the journal of items", () => {
  it("has an item and its entries in indexes as one line, written before the answer", async () => {
    const dynamo = await filled();
    const last = readFileSync(journal(), "utf8").trimEnd().split("\n").at(-1) ?? "";
    expect((JSON.parse(last) as [number, string, unknown[]])[2]).toHaveLength(2);
    await put(dynamo, "c", "other");
    const moved = readFileSync(journal(), "utf8").trimEnd().split("\n").at(-1) ?? "";
    expect((JSON.parse(moved) as [number, string, unknown[]])[2]).toHaveLength(3);
    await dynamo.close();
    expect([journal(), join(dir, "ttl.json")].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
  });

  it("gives everything back after a kill, and drops a torn line", async () => {
    const first = await filled();
    appendFileSync(journal(), '[99,"0123');
    const again = await open();
    expect(await found(again)).toEqual(["a", "b", "c"]);
    await Promise.all([first.close(), again.close()]);
  });

  it("stops the start when it is damaged, and goes on without that when told so", async () => {
    await (await filled()).close();
    const lines = readFileSync(journal(), "utf8").split("\n");
    const at = lines.findIndex((line) => line.includes('"sk":{"S":"b"}') && line.includes("item-things"));
    const damaged = lines.with(at, (lines[at] as string).replace('"S":"b"', '"S":"B"')).join("\n");
    writeFileSync(journal(), damaged);
    await expect(open()).rejects.toThrow(new RegExp(`items\\.jsonl is damaged: line ${at + 1} `));
    expect(readFileSync(journal(), "utf8")).toBe(damaged);
    const dynamo = await open(true);
    expect(await found(dynamo)).toEqual(["a", "c"]);
    await dynamo.close();
    expect(readFileSync(`${journal()}.damaged`, "utf8")).toBe(damaged);
    writeFileSync(join(dir, "ttl.json"), '{"t":');
    await expect(open()).rejects.toThrow("ttl.json is damaged");
    await (await open(true)).close();
  });
});

describe("items that an earlier version kept in LevelDB", () => {
  /** Items as that version left them: the same dynalite on its own database. */
  async function older(): Promise<void> {
    await (await filled()).close();
    const { db } = createLevelStore({ path: join(dir, "items") });
    for (const line of readFileSync(journal(), "utf8").trimEnd().split("\n").slice(1))
      for (const [key, value] of (JSON.parse(line) as [number, string, [string, unknown][]])[2])
        await new Promise((done) => db.put(key, value, done));
    await db.close();
    rmSync(journal());
  }

  it("are taken over once", async () => {
    await older();
    const dynamo = await open();
    expect(await found(dynamo)).toEqual(["a", "b", "c"]);
    const item = await using(dynamo, (table) => table.get({ pk: "p", sk: "a" }));
    expect(item).toEqual({ pk: "p", sk: "a", ipk: "i", isk: "a" });
    await dynamo.close();
    expect(readdirSync(dir).sort()).toEqual(["items.jsonl", "ttl.json"]);
  });

  it.each(["log", "CURRENT", "MANIFEST"])("stop the start when LevelDB finds its %s damaged", async (kind) => {
    await older();
    const name = readdirSync(join(dir, "items")).find((file) => file.includes(kind) && file !== "LOG") as string;
    const bytes = readFileSync(join(dir, "items", name));
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    writeFileSync(join(dir, "items", name), bytes);
    await expect(open()).rejects.toThrow(/items is damaged: .*--skip-damage/);
    await expect(open()).rejects.toThrow(/items is damaged: .*--skip-damage/);
    expect(existsSync(journal())).toBe(false);
    await (await open(true)).close();
    expect(existsSync(join(dir, "items.damaged"))).toBe(true);
    await (await open()).close();
  });
});

describe("the sorted table", () => {
  it("gives the ranges that a sorted list does", () => {
    const key = fc.stringMatching(/^[a-c]{0,3}$/);
    const change = fc.record({ key, isPut: fc.boolean(), isRead: fc.boolean() });
    const bound = fc.option(key, { nil: undefined });
    const range = fc.record({
      gt: bound,
      gte: bound,
      lt: bound,
      lte: bound,
      reverse: fc.boolean(),
      limit: fc.integer({ min: -1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(change), range, (changes, given) => {
        const table = new SortedTable();
        const oracle = new Set<string>();
        for (const { key, isPut, isRead } of changes) {
          if (isPut) table.set(key, key);
          else table.delete(key);
          if (isPut) oracle.add(key);
          else oracle.delete(key);
          if (isRead) table.entries();
        }
        const { gt, gte, lt, lte, reverse, limit } = given;
        const asked = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Range;
        const from = (key: string) => (gt !== undefined ? key > gt : gte === undefined || key >= gte);
        const to = (key: string) => (lt !== undefined ? key < lt : lte === undefined || key <= lte);
        const expected = [...oracle].sort().filter((key) => from(key) && to(key));
        if (reverse) expected.reverse();
        expect(table.entries(asked).map(([key]) => key)).toEqual(limit < 0 ? expected : expected.slice(0, limit));
      }),
      { seed: 2026 },
    );
  });
});
