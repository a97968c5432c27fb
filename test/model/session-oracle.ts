/**
 * The session store's promises, in memory and without a store: the plain reading of store.ts. Every method is told
 * the time, and nothing in here expires by itself.
 */
import type { SessionPolicy } from "@tenure/core/session";

export interface Known {
  id: string;
  user: number;
  data: string;
  revision: number;
  createdAt: number;
  authenticatedAt: number;
  lastSeenAt: number;
  absoluteExpiresAt: number;
}

export class SessionOracle {
  private readonly sessions = new Map<string, Known>();
  private readonly policy: SessionPolicy;

  constructor(policy: SessionPolicy) {
    this.policy = policy;
  }

  deadline({ lastSeenAt, absoluteExpiresAt }: Known): number {
    return Math.min(lastSeenAt + this.policy.idleMs, absoluteExpiresAt);
  }

  /** The record whether or not its time has passed; undefined when it was ended, or never begun. */
  record(id: string): Known | undefined {
    return this.sessions.get(id);
  }

  /** Newest first. */
  list(user: number, now: number): Known[] {
    return [...this.sessions.values()]
      .filter((one) => one.user === user && now <= this.deadline(one))
      .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
  }

  create(id: string, user: number, data: string, replaces: string | undefined, now: number): number {
    let ended = 0;
    const end = (one: Known | undefined) => {
      if (one && now <= this.deadline(one)) ended += 1;
      if (one) this.sessions.delete(one.id);
    };
    if (replaces !== undefined) end(this.sessions.get(replaces));
    for (const surplus of this.list(user, now).slice(this.policy.maxPerUser - 1)) end(surplus);
    const absoluteExpiresAt = now + this.policy.absoluteMs;
    const at = { createdAt: now, authenticatedAt: now, lastSeenAt: now, absoluteExpiresAt };
    this.sessions.set(id, { id, user, data, revision: 0, ...at });
    return ended;
  }

  read(id: string, now: number): Known | undefined {
    const found = this.live(id, now);
    if (found && now - found.lastSeenAt >= this.policy.touchEveryMs) found.lastSeenAt = now;
    return found;
  }

  update(id: string, data: string, revision: number | undefined, now: number): Known | "stale" | undefined {
    const found = this.live(id, now);
    if (!found) return undefined;
    if (revision !== undefined && revision !== found.revision) return "stale";
    found.data = data;
    found.revision += 1;
    return found;
  }

  rotate(from: string, to: string, authenticated: boolean, now: number): Known | undefined {
    const found = this.live(from, now);
    if (!found) return this.live(to, now);
    this.sessions.delete(from);
    const moved: Known = { ...found, id: to, lastSeenAt: now };
    if (authenticated) Object.assign(moved, { authenticatedAt: now, absoluteExpiresAt: now + this.policy.absoluteMs });
    this.sessions.set(to, moved);
    return moved;
  }

  revoke(id: string, now: number): Known | undefined {
    const found = this.live(id, now);
    this.sessions.delete(id);
    return found;
  }

  revokeAll(user: number, but: string | undefined, now: number): number | undefined {
    if (but !== undefined && !this.live(but, now)) return undefined;
    const ending = this.list(user, now).filter(({ id }) => id !== but);
    for (const { id } of ending) this.sessions.delete(id);
    return ending.length;
  }

  private live(id: string, now: number): Known | undefined {
    const found = this.sessions.get(id);
    return found && now <= this.deadline(found) ? found : undefined;
  }
}
