/** The format marker: what is newer is refused with both versions named, what has none is of format 1, and it is read once. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetCommand, PutCommand, ScanCommand, type UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { systemClock } from "@tenure/core/clock";
import { connectDynamo, FORMAT, Format, Table } from "@tenure/core/dynamo";
import { isTenureError } from "@tenure/core/errors";
import { DynamoDBStore } from "@tenure/core/memory";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { startStack } from "@tenure/local/stack";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { credentials, dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";
import { freePort } from "../support/stores/port.ts";

const KEY = { pk: "tenure", sk: "format" };
const item = { pk: "a", sk: "b", value: 1 };

describe.each(dynamoEngines)("on $name", ({ open }) => {
  let table: TestTable;
  let clients: { destroy(): void }[];
  beforeEach(async () => {
    table = await open();
    clients = [];
  });
  afterEach(async () => {
    for (const client of clients) client.destroy();
    await table.close();
  });

  /** As one more process has it: a client of its own, and what that was asked. */
  function inProcess() {
    const { endpoint, tableName } = table;
    const client = connectDynamo({ endpoint, region: "local", credentials });
    clients.push(client);
    const asked: string[] = [];
    const { send: sends } = client;
    Object.assign(client, {
      send(command: object, ...more: unknown[]) {
        asked.push(command.constructor.name.replace(/Command$/, ""));
        return Reflect.apply(sends, client, [command, ...more]);
      },
    });
    const send = (command: GetCommand | UpdateCommand) => client.send(command as GetCommand);
    return { client, tableName, asked, send, table: new Table({ client, tableName, clock: systemClock }) };
  }
  const marker = async () =>
    (await table.client.send(new GetCommand({ TableName: table.tableName, Key: KEY, ConsistentRead: true }))).Item;
  const setMarker = (version: unknown) =>
    table.client.send(new PutCommand({ TableName: table.tableName, Item: { ...KEY, version } }));
  const reasonOf = (failing: Promise<unknown>) =>
    failing.then(
      () => "nothing was refused",
      (error: unknown) => (isTenureError(error) ? error.reason : error),
    );

  it("is read once by a process, whatever it does, and is not made by reading", async () => {
    const process = inProcess();
    expect(await Promise.all([process.table.get(KEY), process.table.get(item)])).toEqual([undefined, undefined]);
    expect(process.asked).toEqual(["Get", "Get", "Get"]);
    expect(await marker()).toBeUndefined();
    // Another of its tables is the same table, and so is that of a checkpointer and of a memory.
    const { client, tableName } = process;
    await new Table({ client, tableName, clock: systemClock }).get(item);
    await new DynamoDBStore({ client, tableName, scope: "ada" }).get(["a"], "b");
    expect(process.asked).toHaveLength(5);
  });

  it("is made by the first write, once, however many write at once", async () => {
    const [one, other] = [inProcess(), inProcess()];
    await Promise.all([
      one.table.put(item),
      other.table.put({ ...item, sk: "c" }),
      one.table.put({ ...item, sk: "d" }),
    ]);
    expect(await marker()).toEqual({ ...KEY, version: FORMAT });
    const later = inProcess();
    await later.table.put(item);
    await later.table.deleteAll([item]);
    expect(later.asked).toEqual(["Get", "Put", "BatchWrite"]);
  });

  it("of a newer format is refused, with both versions named, and nothing is written or read", async () => {
    await setMarker(FORMAT + 1);
    const { table: refused, asked, client, tableName } = inProcess();
    const reason = {
      tag: "misconfigured",
      problems: [expect.stringMatching(new RegExp(`of format ${FORMAT + 1}, .* up to ${FORMAT}: run a version that`))],
    };
    expect(await reasonOf(refused.put(item))).toEqual(reason);
    expect(await reasonOf(refused.get(item))).toEqual(reason);
    expect(await reasonOf(refused.deleteAll([KEY]))).toEqual(reason);
    const saver = new DynamoDBSaver({ client, tableName });
    expect(await reasonOf(saver.getTuple({ configurable: { thread_id: "t" } }))).toEqual(reason);
    expect(await reasonOf(saver.deleteThread("t"))).toEqual(reason);
    // Refused for as long as the process lives, at no cost.
    expect(asked).toEqual(["Get"]);
    const { Items } = await table.client.send(new ScanCommand({ TableName: table.tableName, ConsistentRead: true }));
    expect(Items).toEqual([{ ...KEY, version: FORMAT + 1 }]);
  });

  it("is absent in older data, which is of format 1, and is raised by the first write of newer code", async () => {
    // As the first version left it, which knew no marker.
    await table.client.send(new PutCommand({ TableName: table.tableName, Item: item }));
    const old = inProcess();
    expect(await old.table.get(item)).toEqual(item);
    const newer = () => new Format({ ...inProcess(), format: FORMAT + 1 });
    await newer().check();
    expect(await marker()).toBeUndefined();
    await Promise.all([newer().mark(), newer().mark()]);
    expect(await marker()).toEqual({ ...KEY, version: FORMAT + 1 });
    // A process of before goes on until it ends; none like it begins.
    await old.table.get(item);
    expect(await reasonOf(inProcess().table.get(item))).toMatchObject({ tag: "misconfigured" });
    await newer().mark();
  });

  it("that another process has raised in between is seen by the first write", async () => {
    const process = inProcess();
    await process.table.get(item);
    await setMarker(FORMAT + 1);
    expect(await reasonOf(process.table.put(item))).toMatchObject({ tag: "misconfigured" });
    expect(await process.table.get(item)).toBeUndefined();
  });

  it("that cannot be read fails the request, which was not sent, and is asked for again by the next", async () => {
    let isUp = false;
    const { send, tableName } = inProcess();
    const format = new Format({
      tableName,
      send: (command) =>
        isUp ? send(command) : Promise.reject(Object.assign(new Error("late"), { name: "TimeoutError" })),
    });
    const away = { tag: "store-unavailable", store: "dynamodb", outcome: "not-applied" };
    expect(await reasonOf(format.check())).toEqual(away);
    expect(await reasonOf(format.mark())).toEqual(away);
    isUp = true;
    await format.mark();
    expect(await marker()).toEqual({ ...KEY, version: FORMAT });

    await setMarker("two");
    expect(await reasonOf(inProcess().table.get(item))).toMatchObject({ tag: "store-corrupt" });
  });
});

describe("the local stack", () => {
  it("does not start on data of a newer format, and says which", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "tenure-format-"));
    try {
      const config = { port: await freePort(), dataDir, limits: "off", cookie: "host" } as const;
      const start = () => startStack(config, { onMail: () => {} });
      await (await start()).close();
      const dynamo = await startLocalDynamo({ path: join(dataDir, "dynamo") });
      const client = connectDynamo({ endpoint: dynamo.url, region: "local", credentials });
      await client.send(new PutCommand({ TableName: "tenure", Item: { ...KEY, version: FORMAT + 1 } }));
      client.destroy();
      await dynamo.close();
      await expect(start()).rejects.toThrow(`of format ${FORMAT + 1}`);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
