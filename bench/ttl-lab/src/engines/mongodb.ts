import { MongoClient } from "mongodb";
import type { Engine, Row } from "../engine.ts";

async function open(url: string): Promise<Engine> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 });
  await client.connect();
  const records = client.db("ttl_lab").collection<{ _id: string; deadline: Date }>(`records_${process.pid}`);
  await records.createIndex({ deadline: 1 }, { expireAfterSeconds: 0 });
  return {
    async put(put) {
      await records.insertMany(
        put.map(({ id, deadline }) => ({ _id: id, deadline: new Date(deadline) })),
        { ordered: false },
      );
    },
    find: async (id) => (await records.findOne({ _id: id })) !== null,
    findChecked: async (id, now) => (await records.findOne({ _id: id, deadline: { $gt: new Date(now) } })) !== null,
    count: () => records.countDocuments(),
    async touch(id, deadline) {
      await records.updateOne({ _id: id }, { $set: { deadline: new Date(deadline) } });
    },
    async clear() {
      await records.deleteMany({});
    },
    async close() {
      await records.drop();
      await client.close();
    },
  };
}

export const mongodbRow = (url: string | undefined): Row => ({
  key: "mongodb",
  name: "MongoDB, TTL index",
  promise: "a monitor runs every 60 s, which is its period and no bound: “does not guarantee” immediate removal",
  source: "https://www.mongodb.com/docs/manual/core/index-ttl/",
  untested: true,
  open: async () => (url ? open(url) : { absent: "no address was given: --mongodb mongodb://127.0.0.1" }),
});
