import { malformedReply, type RedisStore, type Reply } from "../redis/port.ts";
import * as scripts from "./scripts.ts";
import type { CancelAction, EventLog, LoggedEvent } from "./store.ts";

/** The run is the cluster hash tag. */
const keysOf = (runId: string): [stream: string, fence: string, cancel: string] => [
  `run:{${runId}}:events`,
  `run:{${runId}}:fence`,
  `run:{${runId}}:cancel`,
];

/** The time for which events can be read after the last one, in milliseconds. */
export const EVENTS_TTL_MS = 15 * 60_000;

export function createEventLog(redis: RedisStore, { ttlMs = EVENTS_TTL_MS } = {}): EventLog {
  return {
    async append({ runId, fence, first, events, ended }) {
      const tails = new Map<string, number>();
      for (const { tail } of events) if (tail && !tails.has(tail.text)) tails.set(tail.text, tail.first);
      const texts = [...tails.keys()];
      const starts: number[] = [];
      const fields = events.flatMap(({ event, start, head, tail }) => {
        if (start) return [event, head, `s${starts.push(start.of, start.text.length) / 2}`];
        return [event, head, tail ? texts.indexOf(tail.text) + 1 : 0];
      });
      const stored = [...tails].flatMap(([text, firstWith]) => [firstWith, text]);
      const args = [fence, ttlMs, first, ended ? 1 : 0, tails.size, ...stored, starts.length / 2, ...starts, ...fields];
      const [verdict, wish] = list(await redis.evaluate(scripts.append, keysOf(runId), args), 2);
      if (verdict === 2) return "lost";
      if (verdict === 3) return "start-gone";
      if (verdict !== 1) throw malformedReply();
      return wish === "" ? undefined : action(wish);
    },

    async read(runId, after, limit) {
      const [stream] = keysOf(runId);
      const [exists, entries, named] = list(await redis.evaluate(scripts.read, [stream], [after, limit]), 3);
      if (exists === 0) return undefined;
      const shared = new Map<string, string>();
      for (const one of [...list(named), ...list(entries)]) noteShared(one, shared);
      const found = list(entries).map((one) => entry(one, shared));
      return {
        events: found.filter((one): one is LoggedEvent => one !== "end"),
        ended: found.includes("end"),
      };
    },

    async requestCancel(runId, wish) {
      const [, , cancel] = keysOf(runId);
      list(await redis.evaluate(scripts.requestCancel, [cancel], [wish, ttlMs]), 1);
    },

    async isRemoved(runId) {
      const [, fence] = keysOf(runId);
      return list(await redis.evaluate(scripts.isRemoved, [fence], []), 1)[0] === 1;
    },

    async remove(runId) {
      list(await redis.evaluate(scripts.remove, keysOf(runId), [ttlMs]), 1);
    },
  };
}

function list(reply: Reply | undefined, length?: number): Reply[] {
  if (!Array.isArray(reply) || (length !== undefined && reply.length !== length)) throw malformedReply();
  return reply;
}

function action(reply: Reply | undefined): CancelAction {
  if (reply !== "interrupt" && reply !== "rollback") throw malformedReply();
  return reply;
}

/** Notes what other entries can have in common with an entry, under the entry's id: its tail, or the whole of its data. */
function noteShared(reply: Reply, shared: Map<string, string>): void {
  const [id, fields] = list(reply, 2);
  const [, , , data, name, tail] = list(fields);
  const text = name === "tail" ? tail : name === undefined ? data : undefined;
  if (typeof id === "string" && typeof text === "string") shared.set(id, text);
}

function entry(reply: Reply, shared: Map<string, string>): LoggedEvent | "end" {
  const [id, fields] = list(reply, 2);
  const [name, event, , data, rest, at, , take] = list(fields);
  if (name === "end") return "end";
  const number = typeof id === "string" ? /^(\d+)-0$/.exec(id)?.[1] : undefined;
  const other = rest === undefined ? "" : shared.get(String(rest === "tail" ? id : at));
  if (number === undefined || typeof event !== "string" || typeof data !== "string" || other === undefined)
    throw malformedReply();
  if (rest !== "from") return { id: Number(number) - 1, event, data: data + other };
  const length = Number(take);
  if (!(length <= other.length)) throw malformedReply();
  return { id: Number(number) - 1, event, data: other.slice(0, length) + data };
}
