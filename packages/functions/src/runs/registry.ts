/**
 * The runs of this process. A run belongs to its thread, not to the request that began it: it holds the
 * thread's lease, goes on when its client is gone, and gives the lease back when it ends, however it ends.
 */
import { isTenureError } from "@tenure/core/errors";
import type { Lease, LeasePolicy, SettledStatus, ThreadStore } from "@tenure/core/thread";
import type { Graph } from "../graphs/index.ts";
import { type Execution, execute } from "./events.ts";
import { Feed } from "./feed.ts";
import { errorJson } from "./wire.ts";

export interface ActiveRun {
  feed: Feed;
  /** Ends the graph at once; its thread is free when `done` resolves. */
  cancel(): void;
  done: Promise<void>;
}

export class RunRegistry {
  private readonly active = new Set<ActiveRun>();
  private readonly threads: ThreadStore;
  private readonly policy: LeasePolicy;

  constructor(threads: ThreadStore, policy: LeasePolicy) {
    this.threads = threads;
    this.policy = policy;
  }

  /** Starts a run under a lease that was just taken. */
  start(graph: Graph, lease: Lease, execution: Execution): ActiveRun {
    const feed = new Feed();
    const abort = new AbortController();
    const run: ActiveRun = {
      feed,
      cancel: () => abort.abort(),
      done: this.run(graph, lease, execution, feed, abort).finally(() => this.active.delete(run)),
    };
    this.active.add(run);
    return run;
  }

  /** Cancels every run and waits until their threads are free. */
  async stop(): Promise<void> {
    for (const run of this.active) run.cancel();
    await Promise.all([...this.active].map(({ done }) => done));
  }

  private async run(
    graph: Graph,
    lease: Lease,
    execution: Execution,
    feed: Feed,
    abort: AbortController,
  ): Promise<void> {
    const heartbeat = this.keep(lease, abort);
    const signal = abort.signal;
    let failed = false;
    try {
      const options = { ...execution.options, signal };
      for await (const event of execute(graph, { ...execution, options })) feed.append(event);
    } catch (error) {
      failed = !signal.aborted;
      if (failed) feed.append({ event: "error", data: errorOf(error) });
    } finally {
      clearInterval(heartbeat);
      try {
        await this.threads.releaseLease(lease, await this.settledStatus(graph, lease.threadId, failed));
      } catch (error) {
        // The lease lapses by itself; until then the thread is busy, and the client is told why.
        feed.append({ event: "error", data: errorOf(error) });
      }
      feed.end();
    }
  }

  /** Renews the lease until told to stop. A run that cannot is no longer the thread's only writer, and ends. */
  private keep(lease: Lease, abort: AbortController): NodeJS.Timeout {
    let held = lease;
    const renew = async () => {
      try {
        const renewed = await this.threads.renewLease(held);
        if (renewed) held = renewed;
        else abort.abort();
      } catch {
        if (Date.now() >= held.expiresAt) abort.abort();
      }
    };
    return setInterval(() => void renew(), this.policy.heartbeatMs);
  }

  private async settledStatus(graph: Graph, threadId: string, failed: boolean): Promise<SettledStatus> {
    if (failed) return "error";
    const { next } = await graph.getState({ configurable: { thread_id: threadId } });
    return next.length > 0 ? "interrupted" : "idle";
  }
}

function errorOf(error: unknown): { error: string; message: string } {
  return isTenureError(error) ? { error: error.reason.tag, message: error.message } : errorJson(error);
}
