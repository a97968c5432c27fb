/** A session store as most are: it reads, thinks, and writes. It shows that the checker finds what such stores do. */
import type { Session, SessionPolicy, SessionStore } from "@tenure/core/session";
import type { SessionRef } from "@tenure/core/token";
import type { Redis } from "@upstash/redis";

export function readThenWriteStore(client: Redis, policy: SessionPolicy): SessionStore<string> {
  const key = ({ handle, id }: SessionRef) => `broken:{${handle}}:${id}`;
  const index = (handle: string) => `broken-index:{${handle}}`;

  async function read(ref: SessionRef): Promise<Session<string> | undefined> {
    const text = await client.get<string>(key(ref));
    if (text === null) return undefined;
    const session = JSON.parse(text) as Session<string>;
    return { ...session, readAt: Date.now() };
  }
  async function write(ref: SessionRef, session: Session<string>): Promise<Session<string>> {
    const lastSeenAt = Date.now();
    const idleExpiresAt = Math.min(lastSeenAt + policy.idleMs, session.absoluteExpiresAt);
    const written = { ...session, id: ref.id, lastSeenAt, idleExpiresAt };
    await client.set(key(ref), JSON.stringify(written), { pxat: idleExpiresAt });
    await client.sadd(index(ref.handle), ref.id);
    return written;
  }
  async function revoke(ref: SessionRef): Promise<Session<string> | undefined> {
    const found = await read(ref);
    await client.del(key(ref));
    return found;
  }
  async function list(handle: string): Promise<Session<string>[]> {
    const ids = await client.smembers(index(handle));
    const found = await Promise.all(ids.map((id) => read({ handle, id })));
    return found.filter((session) => session !== undefined);
  }
  async function revokeAll(handle: string, but?: string): Promise<number> {
    const ids = (await client.smembers(index(handle))).filter((id) => id !== but);
    await Promise.all(ids.map((id) => client.del(key({ handle, id }))));
    return ids.length;
  }

  return {
    async create(ref, { data, replaces }) {
      if (replaces) await revoke(replaces);
      const now = Date.now();
      const at = { createdAt: now, authenticatedAt: now, lastSeenAt: now, readAt: now, idleExpiresAt: 0 };
      const session = { id: ref.id, data, revision: 0, origin: {}, absoluteExpiresAt: now + policy.absoluteMs, ...at };
      return { session: await write(ref, session), ended: 0 };
    },
    async readAndTouch(ref) {
      const found = await read(ref);
      return found && write(ref, found);
    },
    async update(ref, data) {
      const found = await read(ref);
      return found && write(ref, { ...found, data, revision: found.revision + 1 });
    },
    async rotate(from, to) {
      const found = await read(from);
      if (!found) return read(to);
      const moved = await write(to, found);
      await revoke(from);
      return moved;
    },
    revoke,
    revokeOthers: async (ref) => ((await read(ref)) ? revokeAll(ref.handle, ref.id) : undefined),
    revokeAll,
    list,
  };
}
