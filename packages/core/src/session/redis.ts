import { isTenureError, TenureError } from "../errors.ts";
import { malformedReply, type RedisStore, type Reply } from "../redis/port.ts";
import type { SessionRef } from "../token.ts";
import {
  checkPolicy,
  type DamagedSession,
  MAX_DATA_BYTES,
  type Origin,
  type Session,
  type SessionPolicy,
} from "./policy.ts";
import * as scripts from "./scripts.ts";
import type { SessionStore } from "./store.ts";

export interface SessionStoreOptions<Data> {
  redis: RedisStore;
  policy: SessionPolicy;
  /**
   * A word in every key. Sessions of another generation do not exist: an application that takes it from its pepper
   * ends them all by changing that. Letters, digits, `-` and `_`; default empty.
   */
  generation?: string | undefined;
  /**
   * Makes `Data` of what JSON.parse gave, or throws. A zod schema is one. Live sessions carry the data of the version that made them:
   * a field that is new is to be optional or to have a default. A session whose data is not taken is none.
   */
  data: { parse(value: unknown): Data };
  /** Hears of a session that is none for its data, so that a change of `Data` that ends sessions is seen. */
  onOtherData?: () => void;
}

export function createSessionStore<Data>(options: SessionStoreOptions<Data>): SessionStore<Data> {
  const { redis, policy, data, generation = "", onOtherData } = options;
  checkPolicy(policy);
  if (!/^[\w-]*$/.test(generation)) throw new TypeError("a generation is letters, digits, - and _");

  /** Braces make the handle the cluster hash tag: all keys of a user are in one slot. */
  const keysOf = (kind: string, handle: string) => `${kind}:${generation && `${generation}:`}{${handle}}`;
  const prefixOf = (handle: string) => `${keysOf("session", handle)}:`;
  const sessionKey = ({ handle, id }: SessionRef) => prefixOf(handle) + id;
  const indexKey = (handle: string) => keysOf("sessions", handle);
  const keysTo = (ref: SessionRef) => [sessionKey(ref), indexKey(ref.handle)];

  function toSession(id: string, now: Reply | undefined, record: Reply | undefined): Session<Data> {
    const readAt = instant(now);
    if (typeof record !== "string") throw malformedReply();
    const fields = RECORD.exec(record);
    if (!fields) throw corrupt();
    const [createdAt, authenticatedAt, lastSeenAt, idleMs, absoluteExpiresAt, revision] = fields
      .slice(1, 7)
      .map(Number) as [number, number, number, number, number, number];
    return {
      id,
      data: parseData(fields[9] as string),
      revision,
      origin: decodeOrigin(fields[7] as string, fields[8] as string),
      createdAt,
      authenticatedAt,
      lastSeenAt,
      idleExpiresAt: Math.min(lastSeenAt + idleMs, absoluteExpiresAt),
      absoluteExpiresAt,
      readAt,
    };
  }

  function parseData(json: string): Data {
    try {
      return data.parse(JSON.parse(json));
    } catch {
      throw otherData();
    }
  }

  /** The one session of a reply, if it has one. */
  function maybeSession(id: string, [now, record]: (Reply | undefined)[]): Session<Data> | undefined {
    if (record === undefined) return undefined;
    try {
      return toSession(id, now, record);
    } catch (error) {
      if (!isOtherData(error)) throw error;
      onOtherData?.();
      return undefined;
    }
  }

  /** The session of a record, or its id alone where that cannot be read. */
  function asFarAsReadable(
    id: string,
    now: Reply | undefined,
    record: Reply | undefined,
  ): Session<Data> | DamagedSession {
    try {
      return toSession(id, now, record);
    } catch (error) {
      if (isTenureError(error, "store-corrupt")) return { id, damaged: true };
      throw error;
    }
  }

  return {
    async create(ref, { data, origin = {}, replaces }) {
      if (replaces && replaces.handle !== ref.handle) throw new TypeError("a session replaces one of the same user");
      const reply = await redis.evaluate(scripts.create, keysTo(ref), [
        ref.id,
        policy.idleMs,
        policy.absoluteMs,
        policy.maxPerUser,
        prefixOf(ref.handle),
        `${encodeOrigin(origin)} ${encodeData(data)}`,
        replaces?.id ?? "",
      ]);
      const [now, record, ended] = answer(reply, 3);
      return { session: toSession(ref.id, now, record), ended: count(ended) };
    },

    async readAndTouch(ref) {
      const reply = await redis.evaluate(scripts.readAndTouch, keysTo(ref), [policy.touchEveryMs, ref.id]);
      return maybeSession(ref.id, answer(reply, 1, 2));
    },

    async update(ref, data, revision) {
      const reply = await redis.evaluate(scripts.update, keysTo(ref), [encodeData(data), revision ?? "", ref.id]);
      const [now, record] = answer(reply, 1, 2);
      return record === 0 ? "stale" : maybeSession(ref.id, [now, record]);
    },

    async rotate(from, to, { authenticated = false } = {}) {
      if (from.handle !== to.handle) throw new TypeError("a session is rotated to a reference of the same user");
      const reply = await redis.evaluate(
        scripts.rotate,
        [sessionKey(from), sessionKey(to), indexKey(from.handle)],
        [from.id, to.id, ...(authenticated ? [policy.idleMs, policy.absoluteMs] : ["", ""])],
      );
      return maybeSession(to.id, answer(reply, 1, 2));
    },

    async revoke(ref) {
      const reply = await redis.evaluate(scripts.revoke, keysTo(ref), [ref.id]);
      const [now, record] = answer(reply, 1, 2);
      return record === undefined ? undefined : asFarAsReadable(ref.id, now, record);
    },

    async revokeOthers(ref) {
      const keys = [indexKey(ref.handle), sessionKey(ref)];
      const reply = await redis.evaluate(scripts.revokeAll, keys, [prefixOf(ref.handle), ref.id]);
      const [, ended] = answer(reply, 1, 2);
      return ended === undefined ? undefined : count(ended);
    },

    async revokeAll(handle) {
      const reply = await redis.evaluate(scripts.revokeAll, [indexKey(handle)], [prefixOf(handle)]);
      const [, ended] = answer(reply, 2);
      return count(ended);
    },

    async list(handle) {
      const reply = await redis.evaluate(scripts.list, [indexKey(handle)], [prefixOf(handle)]);
      const [now, ...pairs] = answer(reply);
      if (pairs.length % 2 !== 0) throw malformedReply();
      const found: (Session<Data> | DamagedSession)[] = [];
      for (let i = 0; i < pairs.length; i += 2) {
        const id = pairs[i];
        if (typeof id !== "string") throw malformedReply();
        found.push(asFarAsReadable(id, now, pairs[i + 1]));
      }
      return found;
    },
  };
}

const RECORD = /^1 (\d{1,15}) (\d{1,15}) (\d{1,15}) (\d{1,15}) (\d{1,15}) (\d{1,15}) (\S+) (\S+) (.*)$/s;

/** A list that begins with an instant, of one of these lengths. */
function answer(reply: Reply, ...lengths: number[]): Reply[] {
  if (!Array.isArray(reply) || (lengths.length > 0 && !lengths.includes(reply.length))) throw malformedReply();
  instant(reply[0]);
  return reply;
}

function instant(reply: Reply | undefined): number {
  if (typeof reply !== "string" || !/^\d{1,15}$/.test(reply)) throw malformedReply();
  return Number(reply);
}

function count(reply: Reply | undefined): number {
  if (typeof reply !== "number" || !Number.isSafeInteger(reply) || reply < 0) throw malformedReply();
  return reply;
}

function encodeData(data: unknown): string {
  const json = JSON.stringify(data);
  if (json === undefined || Buffer.byteLength(json) > MAX_DATA_BYTES)
    throw new TypeError(`a session's data is JSON of at most ${MAX_DATA_BYTES} bytes`);
  return json;
}

/** Two words without spaces; "-" stands for what is not known. By way of bytes, since half a character cannot be encoded. */
function encodeOrigin({ device, network }: Origin): string {
  return [device, network].map((label) => (label ? encodeURIComponent(Buffer.from(label).toString()) : "-")).join(" ");
}

function decodeOrigin(device: string, network: string): Origin {
  try {
    return {
      ...(device !== "-" && { device: decodeURIComponent(device) }),
      ...(network !== "-" && { network: decodeURIComponent(network) }),
    };
  } catch {
    throw corrupt();
  }
}

const OTHER_DATA = "the data of a session";
const otherData = () => new TenureError({ tag: "store-corrupt", store: "redis", what: OTHER_DATA });
const isOtherData = (error: unknown) => isTenureError(error, "store-corrupt") && error.reason.what === OTHER_DATA;
const corrupt = () => new TenureError({ tag: "store-corrupt", store: "redis", what: "session record" });
