import { addDecimals, float, inRange, integer, isFloat, type Keyspace } from "../keyspace.ts";
import { ErrorReply, OK } from "../reply.ts";
import { type Commands, pairs, read, write } from "./command.ts";
import { scanReply } from "./keys.ts";

function setFields(db: Keyspace, name: string, [key = "", ...fields]: string[]): number {
  if (fields.length === 0 || fields.length % 2)
    throw new ErrorReply(`ERR wrong number of arguments for '${name}' command`);
  const hash = db.open(key, "hash");
  const before = hash.size;
  for (const [field, value] of pairs(fields)) hash.set(field, value);
  db.touched(key);
  return hash.size - before;
}

export const hashes: Commands = {
  HSET: write(-4, (db, args) => setFields(db, "hset", args)),
  HMSET: write(-4, (db, args) => {
    setFields(db, "hmset", args);
    return OK;
  }),
  HSETNX: write(4, (db, [key = "", field = "", value = ""]) => {
    if (db.get(key, "hash")?.has(field)) return 0;
    db.open(key, "hash").set(field, value);
    db.touched(key);
    return 1;
  }),
  HGET: read(3, (db, [key = "", field = ""]) => db.get(key, "hash")?.get(field) ?? null),
  HMGET: read(-3, (db, [key = "", ...fields]) => {
    const hash = db.get(key, "hash");
    return fields.map((field) => hash?.get(field) ?? null);
  }),
  HGETALL: read(2, (db, [key = ""]) => [...(db.get(key, "hash") ?? [])].flat()),
  HKEYS: read(2, (db, [key = ""]) => [...(db.get(key, "hash")?.keys() ?? [])]),
  HVALS: read(2, (db, [key = ""]) => [...(db.get(key, "hash")?.values() ?? [])]),
  HLEN: read(2, (db, [key = ""]) => db.get(key, "hash")?.size ?? 0),
  HSTRLEN: read(3, (db, [key = "", field = ""]) => db.get(key, "hash")?.get(field)?.length ?? 0),
  HEXISTS: read(3, (db, [key = "", field = ""]) => Number(db.get(key, "hash")?.has(field) ?? false)),
  HDEL: write(-3, (db, [key = "", ...fields]) => {
    const hash = db.get(key, "hash");
    if (!hash) return 0;
    const removed = fields.filter((field) => hash.delete(field)).length;
    if (removed) db.touched(key);
    return removed;
  }),
  HINCRBY: write(4, (db, [key = "", field = "", by]) => {
    const step = integer(by);
    const old = db.get(key, "hash")?.get(field) ?? "0";
    if (!/^(0|-?[1-9]\d{0,18})$/.test(old)) throw new ErrorReply("ERR hash value is not an integer");
    let sum: bigint;
    try {
      sum = inRange(BigInt(old) + step);
    } catch {
      throw new ErrorReply("ERR increment or decrement would overflow");
    }
    db.open(key, "hash").set(field, sum.toString());
    db.touched(key);
    return Number(sum);
  }),
  HINCRBYFLOAT: write(4, (db, [key = "", field = "", by = ""]) => {
    if (!Number.isFinite(float(by))) throw new ErrorReply("ERR value is NaN or Infinity");
    const old = db.get(key, "hash")?.get(field) ?? "0";
    if (!isFloat(old)) throw new ErrorReply("ERR hash value is not a float");
    const sum = addDecimals(old, by);
    db.open(key, "hash").set(field, sum);
    db.touched(key);
    return sum;
  }),
  HSCAN: read(-3, (db, [key = "", ...args]) =>
    scanReply(
      [...(db.get(key, "hash") ?? [])].map((pair) => [...pair]),
      args,
    ),
  ),
};
