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
      const fields = events.flatMap(({ event, data }) => [event, data]);
      const args = [fence, ttlMs, first, ended ? 1 : 0, ...fields];
      const [verdict, wish] = list(await redis.evaluate(scripts.append, keysOf(runId), args), 2);
      if (verdict === 2) return "lost";
      if (verdict !== 1) throw malformedReply();
      return wish === "" ? undefined : action(wish);
    },

    async read(runId, after, limit) {
      const [stream] = keysOf(runId);
      const [exists, entries] = list(await redis.evaluate(scripts.read, [stream], [after, limit]), 2);
      if (exists === 0) return undefined;
      const found = list(entries).map(entry);
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

function entry(reply: Reply): LoggedEvent | "end" {
  const [id, fields] = list(reply, 2);
  const [name, event, , data] = list(fields);
  if (name === "end") return "end";
  const number = typeof id === "string" ? /^(\d+)-0$/.exec(id)?.[1] : undefined;
  if (number === undefined || typeof event !== "string" || typeof data !== "string") throw malformedReply();
  return { id: Number(number) - 1, event, data };
}
