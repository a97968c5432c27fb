import { glob, int, type Keyspace } from "../keyspace.ts";
import { ErrorReply, OK, type Reply, Status, syntaxError } from "../reply.ts";
import { Stream } from "../stream.ts";
import { type Command, type Commands, read, write } from "./command.ts";

/** EXPIRE and its kin: `toDeadline` turns the argument into epoch milliseconds. */
function expire(name: string, toDeadline: (n: number, now: number) => number): Command {
  return write(-3, (db, [key = "", amount, ...flags]) => {
    const expireAt = toDeadline(int(amount), db.time);
    if (Math.abs(expireAt) > Number.MAX_SAFE_INTEGER)
      throw new ErrorReply(`ERR invalid expire time in '${name}' command`);
    const has = new Set(flags.map((flag) => flag.toUpperCase()));
    for (const flag of has)
      if (!["NX", "XX", "GT", "LT"].includes(flag)) throw new ErrorReply(`ERR Unsupported option ${flags[0]}`);
    if (has.has("NX") && has.size > 1)
      throw new ErrorReply("ERR NX and XX, GT or LT options at the same time are not compatible");
    if (has.has("GT") && has.has("LT"))
      throw new ErrorReply("ERR GT and LT options at the same time are not compatible");
    const entry = db.entry(key);
    if (!entry) return 0;
    const current = entry.expireAt ?? Infinity;
    const refused =
      (has.has("NX") && entry.expireAt !== undefined) ||
      (has.has("XX") && entry.expireAt === undefined) ||
      (has.has("GT") && expireAt <= current) ||
      (has.has("LT") && expireAt >= current);
    if (refused) return 0;
    if (expireAt <= db.time) db.delete(key);
    else {
      entry.expireAt = expireAt;
      db.dirty.add(key);
    }
    return 1;
  });
}

/** TTL and its kin: -2 without a key, -1 without a deadline. */
function remaining(format: (expireAt: number, now: number) => number): Command {
  return read(2, (db, [key = ""]) => {
    const entry = db.entry(key);
    if (!entry) return -2;
    return entry.expireAt === undefined ? -1 : format(entry.expireAt, db.time);
  });
}

const countKeys = (keys: string[], each: (key: string) => boolean) => keys.filter((key) => each(key)).length;

function rename(db: Keyspace, from: string, to: string): void {
  const entry = db.entry(from);
  if (!entry) throw new ErrorReply("ERR no such key");
  db.delete(from);
  db.entries.set(to, entry);
  // The journal knows the stream by its old name only.
  if (entry.value instanceof Stream) entry.value.journaled = 0;
  db.dirty.add(to);
}

/** SCAN and its kin walk everything in one page, which the contract of a cursor allows. */
export function scanReply(items: string[][], args: string[]): Reply {
  if (!/^\d+$/.test(args[0] ?? "")) throw new ErrorReply("ERR invalid cursor");
  let match: RegExp | undefined;
  for (let i = 1; i < args.length; i += 2) {
    const option = (args[i] as string).toUpperCase();
    if (args[i + 1] === undefined) throw syntaxError();
    if (option === "MATCH") match = glob(args[i + 1] as string);
    else if (option !== "COUNT") throw syntaxError();
    else if (int(args[i + 1]) < 1) throw syntaxError();
  }
  return ["0", items.filter(([name]) => !match || match.test(name as string)).flat()];
}

export const keys: Commands = {
  DEL: write(-2, (db, names) => countKeys(names, (key) => db.delete(key))),
  UNLINK: write(-2, (db, names) => countKeys(names, (key) => db.delete(key))),
  EXISTS: read(-2, (db, names) => countKeys(names, (key) => db.entry(key) !== undefined)),
  TOUCH: read(-2, (db, names) => countKeys(names, (key) => db.entry(key) !== undefined)),
  TYPE: read(2, (db, [key = ""]) => new Status(db.entry(key)?.type ?? "none")),
  EXPIRE: expire("expire", (n, now) => now + n * 1000),
  PEXPIRE: expire("pexpire", (n, now) => now + n),
  EXPIREAT: expire("expireat", (n) => n * 1000),
  PEXPIREAT: expire("pexpireat", (n) => n),
  TTL: remaining((at, now) => Math.floor((at - now + 500) / 1000)),
  PTTL: remaining((at, now) => at - now),
  PEXPIRETIME: remaining((at) => at),
  PERSIST: write(2, (db, [key = ""]) => {
    const entry = db.entry(key);
    if (entry?.expireAt === undefined) return 0;
    entry.expireAt = undefined;
    db.dirty.add(key);
    return 1;
  }),
  RENAME: write(3, (db, [from = "", to = ""]) => {
    rename(db, from, to);
    return OK;
  }),
  RENAMENX: write(3, (db, [from = "", to = ""]) => {
    if (!db.entry(from)) throw new ErrorReply("ERR no such key");
    if (db.entry(to)) return 0;
    rename(db, from, to);
    return 1;
  }),
  KEYS: read(2, (db, [pattern = ""]) => db.keys().filter((key) => glob(pattern).test(key))),
  SCAN: read(-2, (db, args) => {
    // Upstash's own option: each key with its type after it. redis-server refuses it.
    const withTypes = args.findIndex((arg, i) => i > 0 && arg.toUpperCase() === "WITHTYPE");
    const others = withTypes > 0 ? args.toSpliced(withTypes, 1) : args;
    const at = others.findIndex((arg, i) => i > 0 && arg.toUpperCase() === "TYPE");
    const type = at > 0 ? others[at + 1]?.toLowerCase() : undefined;
    const rest = at > 0 ? others.toSpliced(at, 2) : others;
    const typeOf = (key: string) => db.entry(key)?.type ?? "none";
    const names = db.keys().filter((key) => type === undefined || typeOf(key) === type);
    return scanReply(
      names.map((key) => (withTypes > 0 ? [key, typeOf(key)] : [key])),
      rest,
    );
  }),
  RANDOMKEY: read(1, (db) => db.keys()[0] ?? null),
  DBSIZE: read(1, (db) => db.keys().length),
};
