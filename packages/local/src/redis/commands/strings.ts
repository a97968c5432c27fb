import { addDecimals, inRange, int, integer, type Keyspace } from "../keyspace.ts";
import { ErrorReply, OK, type Reply, syntaxError } from "../reply.ts";
import { type Commands, pairs, read, write } from "./command.ts";

const MAX_STRING_BYTES = 512 * 1024 * 1024;

const EXPIRY: Record<string, (n: number, now: number) => number> = {
  EX: (n, now) => now + n * 1000,
  PX: (n, now) => now + n,
  EXAT: (n) => n * 1000,
  PXAT: (n) => n,
};

function deadline(db: Keyspace, unit: string, amount: string | undefined, command: string): number {
  if (amount === undefined) throw syntaxError();
  const n = int(amount);
  if (n <= 0) throw new ErrorReply(`ERR invalid expire time in '${command}' command`);
  return (EXPIRY[unit] as (n: number, now: number) => number)(n, db.time);
}

/** Stores a string whose deadline may lie in the past already: then it is as if deleted. */
function store(db: Keyspace, key: string, value: string, expireAt?: number): void {
  if (expireAt !== undefined && expireAt <= db.time) {
    db.entries.delete(key);
    db.dirty.add(key);
  } else db.set(key, "string", value, expireAt);
}

function set(db: Keyspace, [key = "", value = "", ...options]: string[]): Reply {
  let expireAt: number | undefined;
  let condition: string | undefined;
  let keepTtl = false;
  let get = false;
  for (let i = 0; i < options.length; i++) {
    const option = (options[i] as string).toUpperCase();
    if (option in EXPIRY && expireAt === undefined && !keepTtl) expireAt = deadline(db, option, options[++i], "set");
    else if ((option === "NX" || option === "XX") && condition === undefined) condition = option;
    else if (option === "KEEPTTL" && expireAt === undefined) keepTtl = true;
    else if (option === "GET") get = true;
    else throw syntaxError();
  }
  const old = get ? (db.get(key, "string") ?? null) : null;
  const present = db.entry(key);
  if ((condition === "NX" && present) || (condition === "XX" && !present)) return old;
  // A deadline that is kept is not looked at again: in its very millisecond the key still lives.
  if (keepTtl) db.set(key, "string", value, present?.expireAt);
  else store(db, key, value, expireAt);
  return get ? old : OK;
}

function add(db: Keyspace, key: string, by: bigint): Reply {
  const sum = integer(db.get(key, "string") ?? "0") + by;
  try {
    inRange(sum);
  } catch {
    throw new ErrorReply("ERR increment or decrement would overflow");
  }
  replace(db, key, sum.toString());
  return Number(sum);
}

/** Changes a string and leaves its deadline. */
function replace(db: Keyspace, key: string, value: string): void {
  db.set(key, "string", value, db.entry(key)?.expireAt);
}

function range(value: string, start: string | undefined, end: string | undefined): string {
  let from = int(start);
  let to = int(end);
  if (from < 0 && to < 0 && from > to) return "";
  from = Math.max(from < 0 ? from + value.length : from, 0);
  to = Math.min(Math.max(to < 0 ? to + value.length : to, 0), value.length - 1);
  return value.slice(from, to + 1);
}

export const strings: Commands = {
  GET: read(2, (db, [key = ""]) => db.get(key, "string") ?? null),
  SET: write(-3, set),
  SETNX: write(3, (db, [key = "", value = ""]) => {
    if (db.entry(key)) return 0;
    db.set(key, "string", value);
    return 1;
  }),
  SETEX: write(4, (db, [key = "", seconds, value = ""]) => {
    store(db, key, value, deadline(db, "EX", seconds, "setex"));
    return OK;
  }),
  PSETEX: write(4, (db, [key = "", ms, value = ""]) => {
    store(db, key, value, deadline(db, "PX", ms, "psetex"));
    return OK;
  }),
  GETSET: write(3, (db, [key = "", value = ""]) => {
    const old = db.get(key, "string") ?? null;
    db.set(key, "string", value);
    return old;
  }),
  GETDEL: write(2, (db, [key = ""]) => {
    const old = db.get(key, "string") ?? null;
    db.delete(key);
    return old;
  }),
  GETEX: write(-2, (db, [key = "", option, amount, ...rest]) => {
    const unit = option?.toUpperCase();
    const persist = unit === "PERSIST" && amount === undefined;
    if (unit !== undefined && !persist && (!(unit in EXPIRY) || rest.length > 0)) throw syntaxError();
    const value = db.get(key, "string");
    if (value === undefined) return null;
    if (persist) db.set(key, "string", value);
    else if (unit !== undefined) store(db, key, value, deadline(db, unit, amount, "getex"));
    return value;
  }),
  MGET: read(-2, (db, keys) =>
    keys.map((key) => (db.entry(key)?.type === "string" ? (db.get(key, "string") as string) : null)),
  ),
  MSET: write(-3, (db, args) => {
    if (args.length % 2) throw new ErrorReply("ERR wrong number of arguments for 'mset' command");
    for (const [key, value] of pairs(args)) db.set(key, "string", value);
    return OK;
  }),
  MSETNX: write(-3, (db, args) => {
    if (args.length % 2) throw new ErrorReply("ERR wrong number of arguments for 'msetnx' command");
    if (pairs(args).some(([key]) => db.entry(key))) return 0;
    for (const [key, value] of pairs(args)) db.set(key, "string", value);
    return 1;
  }),
  STRLEN: read(2, (db, [key = ""]) => db.get(key, "string")?.length ?? 0),
  APPEND: write(3, (db, [key = "", value = ""]) => {
    const joined = (db.get(key, "string") ?? "") + value;
    replace(db, key, joined);
    return joined.length;
  }),
  GETRANGE: read(4, (db, [key = "", start, end]) => range(db.get(key, "string") ?? "", start, end)),
  SETRANGE: write(4, (db, [key = "", offset, value = ""]) => {
    const at = int(offset);
    if (at < 0) throw new ErrorReply("ERR offset is out of range");
    const old = db.get(key, "string") ?? "";
    if (value === "") return old.length;
    if (at + value.length > MAX_STRING_BYTES)
      throw new ErrorReply("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    const result = old.slice(0, at).padEnd(at, "\0") + value + old.slice(at + value.length);
    replace(db, key, result);
    return result.length;
  }),
  INCR: write(2, (db, [key = ""]) => add(db, key, 1n)),
  DECR: write(2, (db, [key = ""]) => add(db, key, -1n)),
  INCRBY: write(3, (db, [key = "", by]) => add(db, key, integer(by))),
  DECRBY: write(3, (db, [key = "", by]) => add(db, key, -integer(by))),
  INCRBYFLOAT: write(3, (db, [key = "", by = ""]) => {
    const sum = addDecimals(db.get(key, "string") ?? "0", by);
    replace(db, key, sum);
    return sum;
  }),
};
