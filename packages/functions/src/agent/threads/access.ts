/** A route's access to threads: the check of their owner, the graph that their state belongs to, and the state. */

import { incarnationConfig } from "@tenure/core/checkpoint";
import { isTenureError, TenureError } from "@tenure/core/errors";
import type { Thread } from "@tenure/core/thread";
import type { Graph } from "../../graphs/graph.ts";
import { errorJson } from "../../http/json.ts";
import { uuid } from "../../http/schemas.ts";
import type { AgentDeps } from "../deps.ts";
import { identityOf } from "../runs/config.ts";
import { damageOf, type StateSnapshot, threadJson } from "../wire.ts";

export class ThreadAccess {
  private readonly deps: AgentDeps;

  constructor(deps: AgentDeps) {
    this.deps = deps;
  }

  /** Throws `thread-not-found`, also for one of somebody else. */
  async own(id: string, owner: string): Promise<Thread> {
    const thread = uuid.safeParse(id).success && (await this.deps.threads.get(id, owner));
    if (!thread) throw new TenureError({ tag: "thread-not-found", threadId: id });
    return thread;
  }

  /**
   * False when the user has one of this id; another user's is as good as absent, and cannot be made either. One that is over makes room:
   * `deleteOver`. Without `ttlMs` it has the lifetime that the service gives.
   */
  async create(
    thread: Pick<Thread, "id" | "owner" | "metadata" | "ttlMs" | "strategy">,
    makeRoom: (id: string) => Promise<boolean>,
  ): Promise<Thread | false> {
    const { id, owner } = thread;
    const created = await this.deps.threads.create({ ...this.deps.threadLifetime, ...thread });
    if (created) return created;
    if (await makeRoom(id)) return this.create(thread, async () => false);
    if (await this.deps.threads.get(id, owner)) return false;
    throw new TenureError({ tag: "thread-not-found", threadId: id });
  }

  /** The graph that a thread's state belongs to: that of its last run. Throws `invalid-input` when it cannot be made. */
  async graphOf(thread: Thread): Promise<Graph | undefined> {
    try {
      return await this.deps.graphs.get(String(thread.metadata.graph_id))?.(this.configOf(thread));
    } catch (cause) {
      const issue = `The graph cannot be made of what the thread's last run was configured with: ${errorJson(cause).message}`;
      throw new TenureError({ tag: "invalid-input", issues: [issue] }, { cause });
    }
  }

  /** Returns the configuration with which a thread's state is read and changed. */
  configOf(thread: Thread, checkpoint: object = {}): { configurable: Record<string, unknown> } {
    const configurable = thread.config.configurable as object | undefined;
    const identity = { ...identityOf(thread.owner), ...incarnationConfig(thread.incarnation), thread_id: thread.id };
    const own = { ...identity, ttl_ms: undefined };
    return { configurable: { user_id: thread.owner, ...configurable, ...checkpoint, ...own } };
  }

  /** Returns a thread's latest state; undefined when no graph has one, or its graph cannot be made. */
  async shownState(thread: Thread): Promise<StateSnapshot | undefined> {
    try {
      return await this.state(thread);
    } catch (error) {
      if (isTenureError(error, "invalid-input")) return undefined;
      throw error;
    }
  }

  /** Returns a thread as lists show it. Damage is told in the thread's own entry, so that it takes down no other. */
  async show(thread: Thread): Promise<Record<string, unknown>> {
    try {
      return threadJson(thread, await this.shownState(thread));
    } catch (error) {
      if (isTenureError(error, "store-unavailable")) throw error;
      const { message } = errorJson(error);
      this.deps.report(
        JSON.stringify({ level: "error", event: "thread-unreadable", thread: thread.id, error: message }),
      );
      return threadJson(thread, undefined, damageOf(error));
    }
  }

  /** The latest state, or that of a checkpoint; undefined when no graph has one. */
  async state(
    thread: Thread,
    checkpoint?: object,
    options?: { subgraphs: boolean },
  ): Promise<StateSnapshot | undefined> {
    const graph = await this.graphOf(thread);
    return graph?.getState(this.configOf(thread, checkpoint), options).catch(asDamaged);
  }
}

/** Turns an unreadable record into `record-damaged`: the owner of the thread can go on without it. */
function asDamaged(error: unknown): never {
  if (!isTenureError(error, "store-corrupt")) throw error;
  const { what, advice = "Delete the thread." } = error.reason;
  throw new TenureError({ tag: "record-damaged", what, advice }, { cause: error });
}
