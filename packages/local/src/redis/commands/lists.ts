import { int, type Keyspace, slice } from "../keyspace.ts";
import { ErrorReply, OK } from "../reply.ts";
import { type Command, type Commands, read, write } from "./command.ts";

type End = "head" | "tail";

function push(end: End, onlyExisting: boolean): Command {
  return write(-3, (db, [key = "", ...values]) => {
    if (onlyExisting && !db.get(key, "list")) return 0;
    const list = db.open(key, "list");
    if (end === "head") list.unshift(...values.toReversed());
    else list.push(...values);
    db.touched(key);
    return list.length;
  });
}

function pop(end: End): Command {
  return write(-2, (db, [key = "", count]) => {
    const wanted = count === undefined ? 1 : int(count);
    if (wanted < 0) throw new ErrorReply("ERR value is out of range, must be positive");
    const list = db.get(key, "list");
    if (!list) return null;
    const taken = end === "head" ? list.splice(0, wanted) : list.splice(Math.max(0, list.length - wanted)).reverse();
    if (taken.length) db.touched(key);
    return count === undefined ? (taken[0] ?? null) : taken;
  });
}

const at = (list: string[] | undefined, index: string | undefined) => list?.at(int(index));

function remove(db: Keyspace, key: string, count: number, value: string): number {
  const list = db.get(key, "list");
  if (!list) return 0;
  const order = count < 0 ? [...list.keys()].reverse() : [...list.keys()];
  const hits = order.filter((i) => list[i] === value).slice(0, count === 0 ? undefined : Math.abs(count));
  for (const i of hits.sort((a, b) => b - a)) list.splice(i, 1);
  if (hits.length) db.touched(key);
  return hits.length;
}

export const lists: Commands = {
  LPUSH: push("head", false),
  RPUSH: push("tail", false),
  LPUSHX: push("head", true),
  RPUSHX: push("tail", true),
  LPOP: pop("head"),
  RPOP: pop("tail"),
  LLEN: read(2, (db, [key = ""]) => db.get(key, "list")?.length ?? 0),
  LRANGE: read(4, (db, [key = "", start, stop]) => {
    const list = db.get(key, "list") ?? [];
    return list.slice(...slice(start, stop, list.length));
  }),
  LINDEX: read(3, (db, [key = "", index]) => at(db.get(key, "list"), index) ?? null),
  LSET: write(4, (db, [key = "", index, value = ""]) => {
    const list = db.get(key, "list");
    if (!list) throw new ErrorReply("ERR no such key");
    if (at(list, index) === undefined) throw new ErrorReply("ERR index out of range");
    const i = int(index);
    list[i < 0 ? i + list.length : i] = value;
    db.touched(key);
    return OK;
  }),
  LTRIM: write(4, (db, [key = "", start, stop]) => {
    const list = db.get(key, "list");
    if (!list) return OK;
    const [from, to] = slice(start, stop, list.length);
    list.splice(to);
    list.splice(0, from);
    db.touched(key);
    return OK;
  }),
  LREM: write(4, (db, [key = "", count, value = ""]) => remove(db, key, int(count), value)),
};
