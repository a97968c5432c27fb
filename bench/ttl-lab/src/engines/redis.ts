import { Redis } from "ioredis";
import type { Dated, Engine, Row } from "../engine.ts";
import { Servers, untilReady } from "../servers.ts";

const SOURCE = "https://redis.io/docs/latest/commands/expire/";
const BATCH = 5000;
const REPLICATED_MS = 10_000;

/** Reads go to `reader`, which is the primary unless said otherwise; writes go to the primary. */
function engine(primary: Redis, reader: Redis, settled: () => Promise<void> = async () => {}): Engine {
  return {
    async put(records: Dated[]) {
      for (let from = 0; from < records.length; from += BATCH) {
        const batch = primary.pipeline();
        for (const { id, deadline } of records.slice(from, from + BATCH)) batch.set(id, "1", "PXAT", deadline);
        await batch.exec();
      }
      await settled();
    },
    find: async (id) => (await reader.get(id)) !== null,
    // Redis decides, by its own clock.
    findChecked: async (id) => (await reader.get(id)) !== null,
    count: () => reader.dbsize(),
    async touch(id, deadline) {
      await primary.pexpireat(id, deadline);
    },
    async clear() {
      await primary.flushall();
      await settled();
    },
    async close() {
      for (const one of new Set([primary, reader])) one.disconnect();
    },
  };
}

export function redisRows(servers: Servers): Row[] {
  const program = Servers.find("redis-server");
  const start = async () => {
    if (!program) return { absent: "redis-server is not installed" };
    return servers.start(program, (port) => [
      "--port",
      `${port}`,
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
    ]);
  };
  const connect = (port: number) =>
    untilReady(async () => {
      const client = new Redis({
        port,
        host: "127.0.0.1",
        lazyConnect: true,
        retryStrategy: () => null,
        maxRetriesPerRequest: 0,
      });
      client.on("error", () => {});
      await client.connect();
      return client;
    });

  /** `cutOff`: the primary is frozen once the replica has everything, so that nothing is said to it of expiry. */
  const replica = (cutOff: boolean) => async () => {
    const [first, second] = [await start(), await start()];
    if ("absent" in first) return first;
    if ("absent" in second) return second;
    const [primary, reader] = [await connect(first.port), await connect(second.port)];
    await reader.replicaof("127.0.0.1", first.port);
    await untilReady(async () => {
      if (!(await reader.info("replication")).includes("master_link_status:up")) throw new Error("no link yet");
    });
    let frozen = false;
    const thaw = () => {
      if (frozen) first.process.kill("SIGCONT");
      frozen = false;
    };
    const plain = engine(primary, reader, async () => {
      if ((await primary.wait(1, REPLICATED_MS)) !== 1) throw new Error("the replica does not follow");
    });
    return {
      ...plain,
      async put(records: Dated[]) {
        thaw();
        await plain.put(records);
        if (cutOff) frozen = first.process.kill("SIGSTOP");
      },
      async touch(id: string, deadline: number) {
        // A client that is cut off from the primary cannot touch either.
        if (!cutOff) await plain.touch(id, deadline);
      },
      async clear() {
        thaw();
        await plain.clear();
      },
    };
  };

  return [
    {
      key: "redis",
      name: "Redis, primary",
      promise: "expiry is evaluated at read; exact to a millisecond",
      source: SOURCE,
      async open() {
        const server = await start();
        if ("absent" in server) return server;
        const client = await connect(server.port);
        return engine(client, client);
      },
    },
    {
      key: "redis-replica",
      name: "Redis, replica",
      promise: "a replica evaluates expiry by its own clock, and keeps the key until the primary deletes it",
      source: SOURCE,
      open: replica(false),
    },
    {
      key: "redis-cut-off",
      name: "Redis, replica cut off from its primary",
      promise: "the same: answers nil, keeps the key",
      source: SOURCE,
      open: replica(true),
    },
  ];
}
