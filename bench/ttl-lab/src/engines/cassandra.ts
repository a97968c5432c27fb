import cassandra from "cassandra-driver";
import type { Engine, Row } from "../engine.ts";

const AT_ONCE = 64;
/** A TTL is a number of whole seconds from now: rounded up, so that nothing is over too soon. */
const ttlOf = (deadline: number) => Math.max(1, Math.ceil((deadline - Date.now()) / 1000));

async function open(host: string): Promise<Engine> {
  const client = new cassandra.Client({ contactPoints: [host], localDataCenter: "datacenter1" });
  await client.connect();
  const keyspace = "ttl_lab";
  await client.execute(
    `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  );
  await client.execute(`CREATE TABLE IF NOT EXISTS ${keyspace}.records (id text PRIMARY KEY, deadline bigint)`);
  const run = (query: string, values: unknown[]) => client.execute(query, values, { prepare: true });
  const get = async (id: string) => (await run(`SELECT deadline FROM ${keyspace}.records WHERE id = ?`, [id])).first();
  return {
    async put(records) {
      const left = [...records];
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (let one = left.pop(); one; one = left.pop())
            await run(`INSERT INTO ${keyspace}.records (id, deadline) VALUES (?, ?) USING TTL ?`, [
              one.id,
              Math.round(one.deadline),
              ttlOf(one.deadline),
            ]);
        }),
      );
    },
    find: async (id) => (await get(id)) !== null,
    async findChecked(id, now) {
      const row = await get(id);
      return row !== null && Number(row.get("deadline")) > now;
    },
    // A record that is over is a tombstone until a compaction, and no query tells of it.
    count: async () => undefined,
    async touch(id, deadline) {
      await run(`UPDATE ${keyspace}.records USING TTL ? SET deadline = ? WHERE id = ?`, [
        ttlOf(deadline),
        Math.round(deadline),
        id,
      ]);
    },
    async clear() {
      await client.execute(`TRUNCATE ${keyspace}.records`);
    },
    close: () => client.shutdown(),
  };
}

export const cassandraRow = (host: string | undefined): Row => ({
  key: "cassandra",
  name: "Cassandra, USING TTL",
  promise: "expiry is evaluated at read, in whole seconds (AbstractCell.isLive); the bytes go with a compaction",
  source: "https://cassandra.apache.org/doc/latest/cassandra/managing/operating/compaction/tombstones.html",
  open: async () => (host ? open(host) : { absent: "no address was given: --cassandra 127.0.0.1" }),
});
