/** Leaves threads that have something due to whoever has the time: the work queue's processes, or this one where there is no queue. */
import type { AgentDeps } from "../../deps.ts";
import type { WorkQueue } from "./work-queue.ts";

interface HandoverOptions {
  deps: Pick<AgentDeps, "report">;
  /** Without one, `kick` is called. */
  queue: WorkQueue | undefined;
  /** Begins here what is due in the thread. */
  kick: (threadId: string, owner?: string) => Promise<void>;
}

export class Handover {
  private readonly deps: Pick<AgentDeps, "report">;
  private readonly queue: WorkQueue | undefined;
  private readonly kick: HandoverOptions["kick"];
  /** Threads that were left to the work queue since the last `forget`. */
  private readonly left = new Set<string>();

  constructor({ deps, queue, kick }: HandoverOptions) {
    this.deps = deps;
    this.queue = queue;
    this.kick = kick;
  }

  /** True when threads go to other processes. */
  get hasQueue(): boolean {
    return this.queue !== undefined;
  }

  /** Resolves once somebody has been told. A queue that takes nothing is reported: a sweep finds the thread within a minute. */
  thread(threadId: string, owner?: string): Promise<void> {
    return this.sendOrKick(threadId, owner, (queue) => queue.send(threadId));
  }

  /** Leaves a thread that a sweep has found to somebody, as `thread` does; idempotent for the sweep's name. */
  found(threadId: string, owner: string | undefined, sweep: string): Promise<void> {
    return this.sendOrKick(threadId, owner, (queue) => queue.sendFound(threadId, sweep));
  }

  /** For a process that is hurried: the work queue is told of a thread once, until `forget`. Nobody is where there is no queue. */
  async once(threadId: string): Promise<void> {
    if (this.left.has(threadId) || !this.queue) return;
    this.left.add(threadId);
    await this.thread(threadId);
  }

  forget(): void {
    this.left.clear();
  }

  private async sendOrKick(
    threadId: string,
    owner: string | undefined,
    send: (queue: WorkQueue) => Promise<void>,
  ): Promise<void> {
    if (!this.queue) return this.kick(threadId, owner);
    try {
      await send(this.queue);
    } catch (error) {
      this.deps.report(JSON.stringify({ level: "warn", event: "run-not-queued", threadId, error: String(error) }));
    }
  }
}
