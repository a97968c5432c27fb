/** A history: what users asked of the API and what it answered, in the order in which that began and returned. */

import type { Random } from "../../support/random.ts";
import type { TestApi } from "../../support/service/api.ts";
import type { Steps } from "./steps.ts";
import type { World } from "./world.ts";

interface Session {
  token: string;
  process: TestApi;
}

/** The life of a user record. A login after the deletion of an account makes another one for the same address. */
export interface User {
  id: string;
  email: string;
  sessions: Session[];
}

export interface Call {
  operation: string;
  at: number;
  /** Undefined for a login. */
  userId: string | undefined;
  method: string;
  path: string;
  status: number;
  text: string;
}

export interface Deletion {
  /** The user whose account it was, or who deleted the thread. */
  userId: string;
  /** Undefined for an account. */
  threadId?: string;
  /** When its answer came. */
  at: number;
  status: number;
}

/** Text that a request put somewhere; a thread's, where it is of one. */
interface Marked {
  userId: string;
  threadId?: string;
}

export class History {
  readonly calls: Call[] = [];
  readonly deletions: Deletion[] = [];
  readonly users: User[] = [];
  readonly markers = new Map<string, Marked>();
  /** Threads that were made, each with all who have made it, in order. */
  readonly threads = new Map<string, string[]>();
  /** Threads of which an answer said that they were made. */
  readonly acknowledged = new Set<string>();
  readonly runs: { threadId: string; runId: string }[] = [];
  readonly world: World;
  readonly steps: Steps;
  readonly random: Random;

  constructor(world: World, steps: Steps, random: Random) {
    this.world = world;
    this.steps = steps;
    this.random = random;
  }

  one<T>(many: readonly T[]): T | undefined {
    return many[this.random(many.length)];
  }

  /** The user that an address has had last; now and then an earlier one, whose sessions may still be tried. */
  userOf(email: string): User | undefined {
    const known = this.users.filter((user) => user.email === email);
    return this.random(5) === 0 ? this.one(known) : known.at(-1);
  }

  mark(marked: Marked): string {
    const marker = `mark${this.markers.size}.`;
    this.markers.set(marker, marked);
    return marker;
  }

  async call(
    by: User | undefined,
    method: string,
    path: string,
    { body, session = by && this.one(by.sessions) }: { body?: unknown; session?: Session | undefined } = {},
  ): Promise<Call> {
    const process = session?.process ?? (this.one(this.world.processes) as TestApi);
    const { operation } = this.steps;
    const at = this.steps.tick();
    this.steps.trace.push(`${at} ${operation}: ${method} ${path}`);
    const headers = { ...(session && { Authorization: `Bearer ${session.token}` }) };
    const response = await process.request(method, path, { headers, ...(body !== undefined && { body }) });
    const text = await response.text();
    const call: Call = { operation, at, userId: by?.id, method, path, status: response.status, text };
    this.calls.push(call);
    this.steps.trace.push(`${this.steps.tick()} ${operation}: ${response.status} ${text.slice(0, 100)}`);
    return call;
  }

  /** Logs in by code, in any of the processes. */
  async logIn(email: string): Promise<User | undefined> {
    const asked = await this.call(undefined, "POST", "/auth/code", { body: { email } });
    if (asked.status !== 202) return undefined;
    const { challenge } = JSON.parse(asked.text) as { challenge: string };
    const code = this.world.codes.get(this.steps.operation);
    const process = this.one(this.world.processes) as TestApi;
    const verified = await this.call(undefined, "POST", "/auth/verify", { body: { challenge, code } });
    if (verified.status !== 200) return undefined;
    const { token, user } = JSON.parse(verified.text) as { token: string; user: { id: string } };
    let found = this.users.find(({ id }) => id === user.id);
    if (!found) {
      found = { id: user.id, email, sessions: [] };
      this.users.push(found);
    }
    found.sessions.push({ token, process });
    return found;
  }

  /** Makes a thread and, where that is done, notes whose it is. */
  async newThread(by: User, body: { thread_id?: string; metadata?: object }): Promise<Call> {
    const made = await this.call(by, "POST", "/threads", { body });
    if (made.status === 200) this.acknowledge((JSON.parse(made.text) as { thread_id: string }).thread_id, by);
    return made;
  }

  noteThread(threadId: string, { id }: User): void {
    this.threads.set(threadId, [...(this.threads.get(threadId) ?? []), id]);
  }

  acknowledge(threadId: string, by: User): void {
    this.noteThread(threadId, by);
    this.acknowledged.add(threadId);
  }

  ownThreads({ id }: User): string[] {
    return [...this.threads].filter(([, makers]) => makers.includes(id)).map(([threadId]) => threadId);
  }

  /** A chosen id, of the seed. */
  newThreadId(): string {
    const hex = Array.from({ length: 32 }, () => this.random(16).toString(16)).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}
