import { TenureError } from "../errors.ts";
import { malformedReply, type RedisStore, type Reply } from "../redis/index.ts";
import type { SessionRef } from "../token.ts";
import type { Session, SessionData, SessionPolicy } from "./policy.ts";
import * as scripts from "./scripts.ts";
import type { SessionStore } from "./store.ts";

/** Braces make the handle the cluster hash tag: all keys of a user are in one slot. */
const prefixOf = (handle: string) => `session:{${handle}}:`;
const sessionKey = ({ handle, id }: SessionRef) => prefixOf(handle) + id;
const indexKey = (handle: string) => `sessions:{${handle}}`;

export function createSessionStore(redis: RedisStore, policy: SessionPolicy): SessionStore {
  return {
    async create(ref, data) {
      const reply = await redis.evaluate(
        scripts.create,
        [sessionKey(ref), indexKey(ref.handle)],
        [ref.id, policy.idleMs, policy.absoluteMs, policy.maxPerUser, prefixOf(ref.handle), JSON.stringify(data)],
      );
      const createdAt = instant(reply);
      return makeSession(ref.id, createdAt, createdAt, policy.idleMs, createdAt + policy.absoluteMs, data);
    },

    async readAndTouch(ref) {
      const reply = await redis.evaluate(scripts.readAndTouch, [sessionKey(ref)], [policy.touchEveryMs]);
      if (reply === null) return undefined;
      if (!Array.isArray(reply) || reply.length !== 5) throw malformedReply();
      const [created, seen, idle, absolute] = reply.slice(0, 4).map(instant) as [number, number, number, number];
      return makeSession(ref.id, created, seen, idle, absolute, parseData(reply[4]));
    },

    async revoke(ref) {
      const ended = await redis.evaluate(scripts.revoke, [sessionKey(ref), indexKey(ref.handle)], [ref.id]);
      if (ended !== 0 && ended !== 1) throw malformedReply();
      return ended === 1;
    },
  };
}

function makeSession(
  id: string,
  createdAt: number,
  lastSeenAt: number,
  idleMs: number,
  absoluteExpiresAt: number,
  data: SessionData,
): Session {
  const idleExpiresAt = Math.min(lastSeenAt + idleMs, absoluteExpiresAt);
  return { id, data, createdAt, lastSeenAt, idleExpiresAt, absoluteExpiresAt };
}

function instant(reply: Reply | undefined): number {
  if (typeof reply !== "string" || !/^\d{1,15}$/.test(reply)) throw malformedReply();
  return Number(reply);
}

function parseData(reply: Reply | undefined): SessionData {
  try {
    const data = JSON.parse(String(reply)) as Partial<SessionData>;
    if (typeof data.userId === "string" && typeof data.email === "string")
      return { userId: data.userId, email: data.email };
  } catch {
    // Falls through: what is not JSON is as unreadable as JSON of another shape.
  }
  throw new TenureError({ tag: "store-corrupt", store: "redis", what: "session data" });
}
