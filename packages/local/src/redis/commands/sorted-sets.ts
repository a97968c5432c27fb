import { float, formatDouble, int, type Keyspace, slice } from "../keyspace.ts";
import { ErrorReply, type Reply, syntaxError } from "../reply.ts";
import type { Scored } from "../sorted-set.ts";
import { type Command, type Commands, pairs, read, write } from "./command.ts";
import { scanReply } from "./keys.ts";

const ranked = (db: Keyspace, key: string): readonly Scored[] => db.get(key, "zset")?.ascending() ?? [];

function withScores(found: readonly Scored[], scores: boolean): Reply[] {
  return found.flatMap(([member, score]) => (scores ? [member, formatDouble(score)] : [member]));
}

function add(db: Keyspace, [key = "", ...args]: string[]): Reply {
  const flags = new Set<string>();
  while (["NX", "XX", "GT", "LT", "CH", "INCR"].includes(args[0]?.toUpperCase() ?? ""))
    flags.add((args.shift() as string).toUpperCase());
  if (args.length === 0 || args.length % 2) throw syntaxError();
  if (flags.has("NX") && flags.has("XX"))
    throw new ErrorReply("ERR XX and NX options at the same time are not compatible");
  if ((flags.has("NX") && (flags.has("GT") || flags.has("LT"))) || (flags.has("GT") && flags.has("LT")))
    throw new ErrorReply("ERR GT, LT, and/or NX options at the same time are not compatible");
  if (flags.has("INCR") && args.length > 2)
    throw new ErrorReply("ERR INCR option supports a single increment-element pair");
  const wanted = pairs(args).map(([score, member]) => [member, float(score)] as const);
  const existing = db.get(key, "zset");
  if (!existing && flags.has("XX")) return flags.has("INCR") ? null : 0;
  const zset = db.open(key, "zset");
  let added = 0;
  let changed = 0;
  let result: number | null = null;
  for (const [member, amount] of wanted) {
    const old = zset.score(member);
    const score = flags.has("INCR") ? (old ?? 0) + amount : amount;
    if (Number.isNaN(score)) throw new ErrorReply("ERR resulting score is not a number (NaN)");
    const refused =
      (old === undefined && flags.has("XX")) ||
      (old !== undefined && flags.has("NX")) ||
      (old !== undefined && flags.has("GT") && score <= old) ||
      (old !== undefined && flags.has("LT") && score >= old);
    if (refused) continue;
    result = score;
    if (old === undefined) added++;
    else if (old !== score) changed++;
    zset.set(member, score);
  }
  db.touched(key);
  if (flags.has("INCR")) return result === null ? null : formatDouble(result);
  return flags.has("CH") ? added + changed : added;
}

/** A test for `(1`, `1`, `-inf`, `+inf` bounds. */
function between(min: string | undefined, max: string | undefined): (score: number) => boolean {
  const bound = (text = "") => {
    try {
      return { open: text.startsWith("("), value: float(text.replace(/^\(/, "")) };
    } catch {
      throw new ErrorReply("ERR min or max is not a float");
    }
  };
  const [low, high] = [bound(min), bound(max)];
  return (score) =>
    (low.open ? score > low.value : score >= low.value) && (high.open ? score < high.value : score <= high.value);
}

/** A test for `[a`, `(a`, `-`, `+` bounds, byte by byte: strings here have one character for each. */
function betweenWords(min: string | undefined, max: string | undefined): (member: string) => boolean {
  const bound = (text = "") => {
    const [kind = "", value] = [text[0], text.slice(1)];
    if (kind === "[" || kind === "(") return { kind, value };
    if (text === "-" || text === "+") return { kind: text, value: "" };
    throw new ErrorReply("ERR min or max not valid string range item");
  };
  const [low, high] = [bound(min), bound(max)];
  const above = (member: string) =>
    low.kind === "-" || (low.kind === "[" && member >= low.value) || (low.kind === "(" && member > low.value);
  const below = (member: string) =>
    high.kind === "+" || (high.kind === "[" && member <= high.value) || (high.kind === "(" && member < high.value);
  return (member) => above(member) && below(member);
}

function limited<T>(found: readonly T[], offset: number, count: number): readonly T[] {
  if (offset < 0) return [];
  return found.slice(offset, count < 0 ? undefined : offset + count);
}

function range(db: Keyspace, [key = "", start, stop, ...options]: string[]): Reply {
  let by: "rank" | "score" | "lex" = "rank";
  let reverse = false;
  let scores = false;
  let limit: [number, number] | undefined;
  for (let i = 0; i < options.length; i++) {
    const option = (options[i] as string).toUpperCase();
    if (option === "BYSCORE" && by === "rank") by = "score";
    else if (option === "BYLEX" && by === "rank") by = "lex";
    else if (option === "REV") reverse = true;
    else if (option === "WITHSCORES") scores = true;
    else if (option === "LIMIT" && options[i + 2] !== undefined) limit = [int(options[++i]), int(options[++i])];
    else throw syntaxError();
  }
  if (limit && by === "rank")
    throw new ErrorReply("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
  if (scores && by === "lex")
    throw new ErrorReply("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
  const [min, max] = reverse ? [stop, start] : [start, stop];
  let inside: ((one: Scored) => boolean) | undefined;
  if (by === "score") {
    const isInside = between(min, max);
    inside = ([, score]) => isInside(score);
  } else if (by === "lex") {
    const isInside = betweenWords(min, max);
    inside = ([member]) => isInside(member);
  }
  if (!inside) slice(start, stop, 0);
  const all = reverse ? ranked(db, key).toReversed() : ranked(db, key);
  if (!inside) return withScores(all.slice(...slice(start, stop, all.length)), scores);
  return withScores(limited(all.filter(inside), ...(limit ?? [0, -1])), scores);
}

const rangeBy = (...extra: string[]): Command =>
  read(-4, (db, [key = "", start = "", stop = "", ...options]) => range(db, [key, start, stop, ...extra, ...options]));

function rank(reverse: boolean): Command {
  return read(3, (db, [key = "", member]) => {
    const all = reverse ? ranked(db, key).toReversed() : ranked(db, key);
    const found = all.findIndex(([name]) => name === member);
    return found < 0 ? null : found;
  });
}

function removeAll(db: Keyspace, key: string, doomed: readonly Scored[]): number {
  for (const [member] of doomed) db.get(key, "zset")?.delete(member);
  if (doomed.length) db.touched(key);
  return doomed.length;
}

function pop(reverse: boolean): Command {
  return write(-2, (db, [key = "", count]) => {
    const wanted = count === undefined ? 1 : int(count);
    if (wanted < 0) throw new ErrorReply("ERR value is out of range, must be positive");
    const all = reverse ? ranked(db, key).toReversed() : ranked(db, key);
    const taken = all.slice(0, wanted);
    removeAll(db, key, taken);
    return withScores(taken, true);
  });
}

/** `ZUNION numkeys key… [WEIGHTS weight…] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]`. */
function union(db: Keyspace, [count, ...args]: string[]): Reply {
  const keys = args.slice(0, int(count));
  if (keys.length === 0) throw new ErrorReply("ERR at least 1 input key is needed for 'zunion' command");
  if (keys.length < int(count)) throw syntaxError();
  const inputs = keys.map((key) => scored(db, key));
  let weights = keys.map(() => 1);
  let join = (a: number, b: number) => a + b;
  let scores = false;
  for (let i = keys.length; i < args.length; i++) {
    const option = (args[i] as string).toUpperCase();
    const joined = JOINS[args[i + 1]?.toUpperCase() ?? ""];
    if (option === "WITHSCORES") scores = true;
    else if (option === "AGGREGATE" && joined) {
      join = joined;
      i += 1;
    } else if (option === "WEIGHTS" && args.length > i + keys.length) {
      weights = args.slice(i + 1, i + 1 + keys.length).map(weight);
      i += keys.length;
    } else throw syntaxError();
  }
  const found = new Map<string, number>();
  for (const [i, input] of inputs.entries())
    for (const [member, score] of input) {
      const weighted = score * (weights[i] as number);
      const before = found.get(member);
      found.set(member, before === undefined ? weighted : join(before, weighted));
    }
  const all = [...found].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  return withScores(all, scores);
}

/** A member of a set counts as 1. */
function scored(db: Keyspace, key: string): readonly Scored[] {
  if (db.entry(key)?.type !== "set") return ranked(db, key);
  return [...(db.get(key, "set") ?? [])].map((member) => [member, 1]);
}

const JOINS: Record<string, (a: number, b: number) => number> = { SUM: (a, b) => a + b, MIN: Math.min, MAX: Math.max };

function weight(text: string): number {
  try {
    return float(text);
  } catch {
    throw new ErrorReply("ERR weight value is not a float");
  }
}

export const sortedSets: Commands = {
  ZADD: write(-4, add),
  ZINCRBY: write(4, (db, [key = "", by = "", member = ""]) => add(db, [key, "INCR", by, member])),
  ZREM: write(-3, (db, [key = "", ...names]) => {
    const zset = db.get(key, "zset");
    const removed = names.filter((member) => zset?.delete(member)).length;
    if (removed) db.touched(key);
    return removed;
  }),
  ZSCORE: read(3, (db, [key = "", member = ""]) => {
    const score = db.get(key, "zset")?.score(member);
    return score === undefined ? null : formatDouble(score);
  }),
  ZMSCORE: read(-3, (db, [key = "", ...names]) => {
    const zset = db.get(key, "zset");
    return names.map((member) => {
      const score = zset?.score(member);
      return score === undefined ? null : formatDouble(score);
    });
  }),
  ZCARD: read(2, (db, [key = ""]) => ranked(db, key).length),
  ZCOUNT: read(4, (db, [key = "", min, max]) => {
    const inside = between(min, max);
    return ranked(db, key).filter(([, score]) => inside(score)).length;
  }),
  ZRANK: rank(false),
  ZREVRANK: rank(true),
  ZRANGE: read(-4, range),
  ZREVRANGE: rangeBy("REV"),
  ZUNION: read(-3, union),
  ZREMRANGEBYRANK: write(4, (db, [key = "", start, stop]) => {
    const all = ranked(db, key);
    return removeAll(db, key, all.slice(...slice(start, stop, all.length)));
  }),
  ZREMRANGEBYSCORE: write(4, (db, [key = "", min, max]) => {
    const inside = between(min, max);
    return removeAll(
      db,
      key,
      ranked(db, key).filter(([, score]) => inside(score)),
    );
  }),
  ZPOPMIN: pop(false),
  ZPOPMAX: pop(true),
  ZSCAN: read(-3, (db, [key = "", ...args]) =>
    scanReply(
      ranked(db, key).map(([member, score]) => [member, formatDouble(score)]),
      args,
    ),
  ),
};
