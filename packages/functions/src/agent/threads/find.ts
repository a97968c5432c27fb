/**
 * Finds a user's threads. In the order of their creation, which is the index', it reads no further than the page that is asked
 * for; in any other order it reads all records, a megabyte a request, and keeps a page of them. A filter on values is answered by
 * the records' projections; the states of threads whose projections do not tell are read, several at once, until the page is full, and
 * `MAX_STATES` at most.
 */
import { contains } from "@tenure/core/contains";
import { invalidInput, isTenureError } from "@tenure/core/errors";
import type { Thread, ThreadStatus } from "@tenure/core/thread";
import type { AgentDeps } from "../deps.ts";
import type { ThreadAccess } from "./access.ts";
import { projectionMeets } from "./projection.ts";

export interface ThreadFilter {
  metadata?: Record<string, unknown> | null | undefined;
  ids?: string[] | null | undefined;
  status?: ThreadStatus | null | undefined;
  values?: Record<string, unknown> | null | undefined;
}

export interface ThreadPage {
  field: "thread_id" | "status" | "created_at" | "updated_at" | "state_updated_at";
  order: "asc" | "desc";
  offset: number;
  limit: number;
}

/** Work for so many threads is done at once. */
const AT_ONCE = 8;
/** The number of states that one request has read, at most: a state has half a read unit and more. */
const MAX_STATES = 500;
/** The number of ids that are looked up one by one; more are looked for in the list of all. */
const MAX_LOOKUPS = 100;
/** The number of records that the first request for a list asks for, where a filter may pass over some. */
const FIRST_PAGE = 100;

export class ThreadFinder {
  private readonly deps: AgentDeps;
  private readonly access: ThreadAccess;

  constructor(deps: AgentDeps, access: ThreadAccess) {
    this.deps = deps;
    this.access = access;
  }

  /** A page of the threads that meet the filter, and whether there are more behind it. */
  async page(owner: string, filter: ThreadFilter, page: ThreadPage): Promise<{ threads: Thread[]; hasMore: boolean }> {
    const { field, order, offset, limit } = page;
    const end = offset + limit;
    const inOrder = field === "created_at" && !isLookup(filter);
    const isFiltered = filter.metadata || filter.status || filter.values || filter.ids?.length;
    const firstPage = inOrder ? (isFiltered ? FIRST_PAGE : end + 1) : undefined;
    const listed = this.listed(owner, filter, { order, firstPage });
    const compare = byField(field, order);
    let found: Thread[] = [];
    for await (const thread of this.matching(listed, filter)) {
      found.push(thread);
      if (inOrder && found.length > end) break;
      if (!inOrder && found.length > 2 * (end + 1)) found = found.sort(compare).slice(0, end + 1);
    }
    if (!inOrder) found.sort(compare);
    return { threads: found.slice(offset, end), hasMore: found.length > end };
  }

  async count(owner: string, filter: ThreadFilter): Promise<number> {
    let count = 0;
    for await (const _ of this.matching(this.listed(owner, filter, { order: "desc" }), filter)) count += 1;
    return count;
  }

  private async *listed(
    owner: string,
    filter: ThreadFilter,
    { order, firstPage }: { order: "asc" | "desc"; firstPage?: number | undefined },
  ): AsyncGenerator<Thread> {
    const { threads } = this.deps;
    const ids = new Set(filter.ids);
    if (isLookup(filter)) {
      for (const group of groups([...ids]))
        for (const thread of await Promise.all(group.map((id) => threads.get(id, owner))))
          if (thread && !thread.temporary) yield thread;
    } else
      for await (const thread of threads.list(owner, { order, firstPage }))
        if (ids.size === 0 || ids.has(thread.id)) yield thread;
  }

  private async *matching(listed: AsyncGenerator<Thread>, filter: ThreadFilter): AsyncGenerator<Thread> {
    const { metadata, status, values } = filter;
    const states = { left: MAX_STATES };
    let waiting: Thread[] = [];
    for await (const thread of listed) {
      if ((status && thread.status !== status) || (metadata && !contains(thread.metadata, metadata))) continue;
      const isMet = values ? this.told(thread, values) : true;
      if (isMet === false) continue;
      // In their order: one that needs no look waits for those before it.
      if (isMet && waiting.length === 0) yield thread;
      else if (waiting.push(thread) === AT_ONCE && values) {
        yield* await this.withValues(waiting, values, states);
        waiting = [];
      }
    }
    if (values) yield* await this.withValues(waiting, values, states);
  }

  /** Throws `invalid-input` when no state is left that may be read. */
  private async withValues(
    threads: Thread[],
    values: Record<string, unknown>,
    states: { left: number },
  ): Promise<Thread[]> {
    states.left -= threads.filter((thread) => this.told(thread, values) === undefined).length;
    if (states.left < 0)
      throw invalidInput(
        `values: the states of more than ${MAX_STATES} threads would have to be read; say more by metadata, status or ids, or ask for values of 256 bytes at most`,
      );
    const found = await Promise.all(
      threads.map(async (thread) => this.told(thread, values) ?? contains(await this.valuesOf(thread), values)),
    );
    return threads.filter((_, i) => found[i]);
  }

  /** The projection of the thread's record. */
  private told(thread: Thread, values: Record<string, unknown>): boolean | undefined {
    return projectionMeets(thread, values);
  }

  /** The values as JSON has them. A state that cannot be read has none. */
  private async valuesOf(thread: Thread): Promise<unknown> {
    try {
      return JSON.parse(JSON.stringify((await this.access.shownState(thread))?.values ?? {}));
    } catch (error) {
      if (isTenureError(error, "store-unavailable")) throw error;
      return {};
    }
  }
}

const isLookup = ({ ids }: ThreadFilter): boolean => ids != null && ids.length > 0 && ids.length <= MAX_LOOKUPS;

/** Does the work for some threads at once, in their order. */
export async function inGroups<T, U>(all: T[], work: (one: T) => Promise<U>): Promise<U[]> {
  const done: U[] = [];
  for (const group of groups(all)) done.push(...(await Promise.all(group.map(work))));
  return done;
}

const groups = <T>(all: T[]): T[][] =>
  Array.from({ length: Math.ceil(all.length / AT_ONCE) }, (_, i) => all.slice(i * AT_ONCE, (i + 1) * AT_ONCE));

/** Ties are broken by the id, in the same order, as the index has it. */
function byField(field: ThreadPage["field"], order: "asc" | "desc"): (a: Thread, b: Thread) => number {
  const of = (thread: Thread): string | number => {
    if (field === "thread_id") return thread.id;
    if (field === "status") return thread.status;
    return field === "created_at" ? thread.createdAt : thread.updatedAt;
  };
  const sign = order === "asc" ? 1 : -1;
  return (a, b) => sign * (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : a.id < b.id ? -1 : 1);
}
