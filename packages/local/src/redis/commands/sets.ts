import { int, type Keyspace } from "../keyspace.ts";
import { ErrorReply } from "../reply.ts";
import { type Command, type Commands, read, write } from "./command.ts";
import { scanReply } from "./keys.ts";

const members = (db: Keyspace, key: string): Set<string> => db.get(key, "set") ?? new Set();

/** SINTER, SUNION, SDIFF and, with a first argument for the result, their STORE forms. */
function combine(pick: (sets: Set<string>[]) => string[]): { plain: Command; store: Command } {
  return {
    plain: read(-2, (db, names) => pick(names.map((key) => members(db, key)))),
    store: write(-3, (db, [target = "", ...names]) => {
      const result = new Set(pick(names.map((key) => members(db, key))));
      db.set(target, "set", result);
      db.touched(target);
      return result.size;
    }),
  };
}

const inter = combine(([first = new Set(), ...rest]) => [...first].filter((m) => rest.every((set) => set.has(m))));
const union = combine((sets) => [...new Set(sets.flatMap((set) => [...set]))]);
const diff = combine(([first = new Set(), ...rest]) => [...first].filter((m) => !rest.some((set) => set.has(m))));

export const sets: Commands = {
  SADD: write(-3, (db, [key = "", ...added]) => {
    const set = db.open(key, "set");
    const before = set.size;
    for (const member of added) set.add(member);
    db.touched(key);
    return set.size - before;
  }),
  SREM: write(-3, (db, [key = "", ...removed]) => {
    const set = db.get(key, "set");
    if (!set) return 0;
    const count = removed.filter((member) => set.delete(member)).length;
    if (count) db.touched(key);
    return count;
  }),
  SMEMBERS: read(2, (db, [key = ""]) => [...members(db, key)]),
  SCARD: read(2, (db, [key = ""]) => members(db, key).size),
  SISMEMBER: read(3, (db, [key = "", member = ""]) => Number(members(db, key).has(member))),
  SMISMEMBER: read(-3, (db, [key = "", ...asked]) => {
    const set = members(db, key);
    return asked.map((member) => Number(set.has(member)));
  }),
  SMOVE: write(4, (db, [from = "", to = "", member = ""]) => {
    const source = db.get(from, "set");
    if (!source) return 0;
    db.get(to, "set");
    if (!source.delete(member)) return 0;
    db.touched(from);
    db.open(to, "set").add(member);
    db.touched(to);
    return 1;
  }),
  SPOP: write(-2, (db, [key = "", count]) => {
    const wanted = count === undefined ? 1 : int(count);
    if (wanted < 0) throw new ErrorReply("ERR value is out of range, must be positive");
    const set = db.get(key, "set");
    const popped = [...(set ?? [])].slice(0, wanted);
    for (const member of popped) set?.delete(member);
    if (popped.length) db.touched(key);
    return count === undefined ? (popped[0] ?? null) : popped;
  }),
  SRANDMEMBER: read(-2, (db, [key = "", count]) => {
    const all = [...members(db, key)];
    return count === undefined ? (all[0] ?? null) : all.slice(0, Math.abs(int(count)));
  }),
  SINTER: inter.plain,
  SINTERSTORE: inter.store,
  SUNION: union.plain,
  SUNIONSTORE: union.store,
  SDIFF: diff.plain,
  SDIFFSTORE: diff.store,
  SSCAN: read(-3, (db, [key = "", ...args]) =>
    scanReply(
      [...members(db, key)].map((member) => [member]),
      args,
    ),
  ),
};
