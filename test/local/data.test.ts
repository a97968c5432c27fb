/** The data that the local stack keeps on disk, and the DynamoDB calls that it adds to dynalite. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeTimeToLiveCommand, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { connectDynamo, ensureTable, tableDefinition } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tenure-data-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("the embedded Redis' journal", () => {
  const path = () => join(dir, "redis.jsonl");
  const fill = [
    ["SET", "s", "\u00ff\u0000 text"],
    ["SET", "short", "v", "PX", "60000"],
    ["HSET", "h", "f", "v", "g", "w"],
    ["SADD", "set", "a", "b"],
    ["ZADD", "z", "1.5", "one", "-inf", "low"],
    ["RPUSH", "l", "x", "y", "z"],
    ["XADD", "stream", "1-0", "f", "v"],
    ["XADD", "stream", "2-0", "f", "w"],
    ["XADD", "stream", "3-0", "f", "x"],
    ["XDEL", "stream", "2-0"],
    ["XADD", "stream", "4-0", "f", "y"],
    ["PEXPIRE", "stream", "60000"],
    ["SET", "deleted", "v"],
    ["DEL", "deleted"],
    ["EVAL", "redis.call('SET', KEYS[1], 'a') redis.call('INCR', KEYS[2]) return 1", "2", "e1", "e2"],
  ];
  const asks = [
    ["GET", "s"],
    ["HGETALL", "h"],
    ["SMEMBERS", "set"],
    ["ZRANGE", "z", "0", "-1", "WITHSCORES"],
    ["LRANGE", "l", "0", "-1"],
    ["EXISTS", "deleted"],
    ["XRANGE", "stream", "-", "+"],
    ["XREVRANGE", "stream", "+", "2", "COUNT", "1"],
    ["PEXPIRETIME", "stream"],
    ["MGET", "e1", "e2", "short"],
    ["PEXPIRETIME", "short"],
  ];
  const dump = async (redis: EmbeddedRedis) => Promise.all(asks.map((command) => redis.send(command)));

  it("gives everything back, without having been closed, as after a kill", async () => {
    const first = new EmbeddedRedis({ path: path() });
    for (const command of fill) await first.send(command);
    const again = new EmbeddedRedis({ path: path() });
    expect(await dump(again)).toEqual(await dump(first));
    await again.close();
    const third = new EmbeddedRedis({ path: path() });
    expect(await dump(third)).toEqual(await dump(first));
    await Promise.all([first.close(), third.close()]);
  });

  it("drops a torn last line, and what has expired meanwhile", async () => {
    let now = 1_000_000;
    const first = new EmbeddedRedis({ path: path(), now: () => now });
    for (const command of fill) await first.send(command);
    await first.close();
    appendFileSync(path(), '[["s","string","torn');
    now += 60_001;
    const again = new EmbeddedRedis({ path: path(), now: () => now });
    expect(await again.send(["GET", "s"])).toBe("\u00ff\u0000 text");
    expect(await again.send(["GET", "short"])).toBeNull();
    expect(readFileSync(path(), "utf8")).not.toContain("short");
    await again.close();
  });

  it("is rewritten when it grows, and loses nothing by that", async () => {
    const first = new EmbeddedRedis({ path: path() });
    const value = "v".repeat(100_000);
    for (let i = 0; i < 100; i++) await first.send(["SET", "big", value + i]);
    expect(readFileSync(path()).length).toBeLessThan(9_000_000);
    await first.send(["SET", "last", "1"]);
    const again = new EmbeddedRedis({ path: path() });
    expect(await again.send(["GET", "big"])).toBe(`${value}99`);
    expect(await again.send(["GET", "last"])).toBe("1");
    await Promise.all([first.close(), again.close()]);
  });
});

describe("the embedded Redis' clock", () => {
  it("keeps a key through its deadline, and not one millisecond longer", async () => {
    let now = 5_000;
    const redis = new EmbeddedRedis({ now: () => now });
    await redis.send(["SET", "k", "v", "PX", "100"]);
    now = 5_100;
    expect(await redis.send(["GET", "k"])).toBe("v");
    now = 5_101;
    expect(await redis.send(["GET", "k"])).toBeNull();
    await redis.close();
  });
});

describe("dynalite with time to live", () => {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };

  it("says, keeps and refuses TTL settings as DynamoDB does", async () => {
    const first = await startLocalDynamo({ path: dir });
    const client = connectDynamo({ endpoint: first.url, region: "local", credentials });
    await ensureTable(client, "table");
    await ensureTable(client, "table");
    const enable = (TableName: string, Enabled: boolean, AttributeName: string = tableDefinition.ttlAttribute) =>
      client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { AttributeName, Enabled } }));
    await expect(enable("table", true)).rejects.toThrow(/already enabled/);
    await expect(enable("table", false, "other")).rejects.toThrow(/different AttributeName/);
    await expect(enable("nope", true)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    client.destroy();
    await first.close();

    const again = await startLocalDynamo({ path: dir });
    const second = connectDynamo({ endpoint: again.url, region: "local", credentials });
    const { TimeToLiveDescription } = await second.send(new DescribeTimeToLiveCommand({ TableName: "table" }));
    expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: "ENABLED", AttributeName: "expiresAt" });
    second.destroy();
    await again.close();
    expect(existsSync(join(dir, "ttl.json"))).toBe(true);
  });

  it("leaves an expired item readable until the sweeper comes, and takes no other", async () => {
    let now = 1_000_000_000;
    const dynamo = await startLocalDynamo({ now: () => now, sweepEveryMs: false });
    const client = connectDynamo({ endpoint: dynamo.url, region: "local", credentials });
    await ensureTable(client, "table");
    const put = (sk: string, expiresAt?: unknown) =>
      client.send(
        new PutCommand({ TableName: "table", Item: { pk: "p", sk, ...(expiresAt !== undefined && { expiresAt }) } }),
      );
    await Promise.all([put("due", 1_000_000), put("later", 1_000_100), put("never"), put("text", "1")]);
    const there = async () => {
      const found = await Promise.all(
        ["due", "later", "never", "text"].map((sk) =>
          client.send(new GetCommand({ TableName: "table", Key: { pk: "p", sk } })),
        ),
      );
      return found.map(({ Item }) => Item?.sk);
    };
    expect(await there()).toEqual(["due", "later", "never", "text"]);
    expect(await dynamo.sweep()).toBe(1);
    expect(await there()).toEqual([undefined, "later", "never", "text"]);
    now += 200_000;
    expect(await dynamo.sweep()).toBe(1);
    expect(await there()).toEqual([undefined, undefined, "never", "text"]);
    client.destroy();
    await dynamo.close();
  });
});
