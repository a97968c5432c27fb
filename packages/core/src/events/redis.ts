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
      const fields = events.flatMap(({ event, head, tail }) => [event, head, tail ? texts.indexOf(tail.text) + 1 : 0]);
      const stored = [...tails].flatMap(([text, firstWith]) => [firstWith, text]);
      const args = [fence, ttlMs, first, ended ? 1 : 0, tails.size, ...stored, ...fields];
      const [verdict, wish] = list(await redis.evaluate(scripts.append, keysOf(runId), args), 2);
      if (verdict === 2) return "lost";
      if (verdict !== 1) throw malformedReply();
      return wish === "" ? undefined : action(wish);
    },

    async read(runId, after, limit) {
      const [stream] = keysOf(runId);
      const [exists, entries, held] = list(await redis.evaluate(scripts.read, [stream], [after, limit]), 3);
      if (exists === 0) return undefined;
      const tails = new Map<string, string>();
      for (const one of [...list(held), ...list(entries)]) noteTail(one, tails);
      const found = list(entries).map((one) => entry(one, tails));
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

/** Notes an entry's tail, under the entry's id, where it has one of its own. */
function noteTail(reply: Reply, tails: Map<string, string>): void {
  const [id, fields] = list(reply, 2);
  const [, , , , name, text] = list(fields);
  if (name === "tail" && typeof id === "string" && typeof text === "string") tails.set(id, text);
}

function entry(reply: Reply, tails: Map<string, string>): LoggedEvent | "end" {
  const [id, fields] = list(reply, 2);
  const [name, event, , head, rest, as] = list(fields);
  if (name === "end") return "end";
  const number = typeof id === "string" ? /^(\d+)-0$/.exec(id)?.[1] : undefined;
  const tail = rest === undefined ? "" : tails.get(String(rest === "as" ? as : id));
  if (number === undefined || typeof event !== "string" || typeof head !== "string" || tail === undefined)
    throw malformedReply();
  return { id: Number(number) - 1, event, data: head + tail };
}
