/**
 * The runs of this process. A run belongs to its thread, not to the request that asked for it: it stands in the thread's
 * line, holds the thread's lease while it is under way, and goes on when its client is gone. Whoever waits for a run, or
 * finds one whose process has died, calls `kick`; whoever does not wait calls `leave`.
 */
import type { CancelAction } from "@tenure/core/events";
import type { Admission, Begun, NewAdmission, NewRun, Run } from "@tenure/core/thread";
import { newId } from "@tenure/core/token";
import { sweepDeletions } from "../deletion.ts";
import type { Deps } from "../deps.ts";
import { crashesOf, Execution, isTemporary } from "./execution.ts";
import type { RunQueue } from "./queue.ts";

/** How long before the end of a lease that is somebody else's it is worth looking again. */
const LATE_MS = 50;
const MAX_TIMER_MS = 60_000;
/** More than these at once would only make one another slow, until the stores' deadlines pass. */
const MAX_ACTIVE = 10;
const STOP_MS = 1000;
const POLL_MS = 200;
/** A run that is in no line after so long never will be: a request takes seconds. */
const STRAY_MS = 5 * 60 * 1000;

interface NewSubmission extends Omit<NewAdmission, "holder"> {
  here?: boolean;
  /** Throws when the run is not to be after all, once it has called `release` and taken the thread back. */
  confirm: (release: () => Promise<void>) => Promise<void>;
}

export class Runner {
  private readonly deps: Deps;
  private readonly holder = newId("runner");
  private readonly active = new Map<string, Execution>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly kicking = new Map<string, Promise<void>>();
  /** Threads that have something due while as many runs as may be are under way, in the order in which they came. */
  private readonly waiting = new Set<string>();
  private readonly maxActive: number;
  /** Threads whose next run is being looked for. */
  private beginning = 0;
  private readonly queue: RunQueue | undefined;
  private begun: () => void = () => {};
  private next = new Promise<void>((resolve) => {
    this.begun = resolve;
  });
  /** What runs that were begun here still do, and what comes after their end. */
  private readonly closing = new Set<Promise<void>>();
  private watching: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(deps: Deps, { maxActive = MAX_ACTIVE, queue }: { maxActive?: number; queue?: RunQueue } = {}) {
    this.deps = deps;
    this.maxActive = maxActive;
    this.queue = queue;
  }

  /**
   * Puts a run in its thread's line, ending those before it as its strategy says, and begins it `here` if that is its turn
   * and there is a place. Idempotent for the same run.
   */
  async submit(
    run: NewRun,
    { change, here = false }: Pick<Admission, "change"> & { here?: boolean } = {},
  ): Promise<"admitted" | "busy" | "not-found"> {
    const { threads } = this.deps;
    const admission = { ...(change && { change }), alone: run.multitask === "reject" };
    const admitted =
      here && this.places > 0 && !this.stopped
        ? await this.inPlace(() => threads.admit(run, { ...admission, holder: this.holder }))
        : await threads.admit(run, admission);
    if (typeof admitted === "object") return "admitted";
    if (admitted !== "admitted" || (run.multitask !== "interrupt" && run.multitask !== "rollback")) return admitted;
    const thread = await threads.get(run.threadId, run.owner);
    for (const other of thread?.inflight ?? []) {
      if (other === run.id) break;
      await this.cancel(run.threadId, other, run.multitask);
    }
    return admitted;
  }

  /**
   * Puts a run on a thread that is made for it, and begins it `here` if it is due and there is a place. `confirm` is awaited
   * before anything of it executes; when it throws, nothing does, and nobody holds the thread.
   */
  async submitNew(run: NewRun, { here = false, confirm, ...made }: NewSubmission): Promise<"admitted"> {
    const { threads } = this.deps;
    const begins = here && this.places > 0 && !this.stopped && run.startAt <= this.deps.clock.now();
    const admit = async (holder?: string) => {
      const admitted = await threads.admitNew(run, { ...made, holder });
      await confirm(async () => {
        if (typeof admitted === "object") await threads.release(admitted.lease);
      });
      return admitted;
    };
    await (begins ? this.inPlace(() => admit(this.holder)) : admit());
    return "admitted";
  }

  /** The run, if it is under way here. */
  live(runId: string): Execution | undefined {
    return this.active.get(runId);
  }

  /** Begins whatever is due in a thread, here and now, and sees to it that what is due later begins then. */
  kick(threadId: string): Promise<void> {
    const before = this.kicking.get(threadId) ?? Promise.resolve();
    const next = before
      .then(() => this.beginNext(threadId))
      .finally(() => {
        if (this.kicking.get(threadId) === next) this.kicking.delete(threadId);
      });
    this.kicking.set(threadId, next);
    return next;
  }

  /** Sees to it that whatever is due in a thread begins, here or wherever the queue leads, without waiting for it. */
  leave(threadId: string): Promise<void> {
    return this.sendOrKick(threadId, (queue) => queue.send(threadId));
  }

  private async sendOrKick(threadId: string, send: (queue: RunQueue) => Promise<void>): Promise<void> {
    if (!this.queue) return this.kick(threadId);
    try {
      await send(this.queue);
    } catch (error) {
      // `sweep` finds it within a minute.
      this.deps.report(JSON.stringify({ level: "warn", event: "run-not-queued", threadId, error: String(error) }));
    }
  }

  private async beginNext(threadId: string): Promise<void> {
    if (this.stopped) return;
    clearTimeout(this.timers.get(threadId));
    this.timers.delete(threadId);
    if (this.places <= 0) {
      this.waiting.add(threadId);
      return;
    }
    this.waiting.delete(threadId);
    const begun = await this.inPlace(() => this.deps.threads.begin(threadId, this.holder));
    if (begun && "retryAt" in begun) this.kickLater(threadId, begun.retryAt);
  }

  /** Keeps a place for what may begin, and performs it when it has. */
  private async inPlace<T>(begin: () => Promise<T | Begun>): Promise<T | Begun> {
    this.beginning += 1;
    try {
      const begun = await begin();
      if (typeof begun === "object" && begun !== null && "lease" in begun) await this.perform(begun);
      return begun;
    } finally {
      this.beginning -= 1;
      // There may have been nothing to do, or the store may have failed: the place is then another's.
      this.fill();
    }
  }

  /** How many more runs may be under way here. */
  private get places(): number {
    return this.maxActive - this.active.size - this.beginning;
  }

  /** Gives the free places to those that have waited longest. */
  private fill(): void {
    for (const threadId of [...this.waiting].slice(0, Math.max(0, this.places)))
      void this.kick(threadId).catch(() => {});
  }

  private async perform({ lease, run }: Begun): Promise<void> {
    const { threadId } = lease;
    this.deps.count("Runs");
    if (crashesOf(run) > 0) this.deps.count("LeaseTakeovers");
    // What a process before this one has told its readers is not told again.
    const first = run.attempt === 1 ? 0 : await this.deps.events.open(run.id, lease.fence).catch(() => 0);
    const execution = new Execution(this.deps, lease, run, first);
    if (this.stopped) execution.end("yielded");
    this.active.set(run.id, execution);
    this.begun();
    this.next = new Promise((resolve) => {
      this.begun = resolve;
    });
    const over = execution.done.then(async () => {
      this.active.delete(run.id);
      if (isTemporary(run.request) && execution.isLast)
        // The thread was closed along with the run's end; should this fail, its records expire.
        await this.deps.threads.erase(threadId, run.owner).catch(() => {});
      if (this.stopped) return;
      // Who has waited longest first; the thread's own next run after that.
      this.fill();
      if (!execution.isLast) await this.leave(threadId).catch(() => {});
    });
    this.closing.add(over);
    void over.finally(() => this.closing.delete(over));
  }

  /** Whether the thread has something due that this process begins as soon as it can. */
  isWaiting(threadId: string): boolean {
    return this.waiting.has(threadId);
  }

  /** Resolves when a run begins here, or after `ms`. */
  async nextBegun(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.next, late]);
    clearTimeout(timer);
  }

  private kickLater(threadId: string, at: number): void {
    const wait = Math.min(MAX_TIMER_MS, Math.max(0, at - this.deps.clock.now()) + LATE_MS);
    this.timers.set(
      threadId,
      setTimeout(() => void this.kick(threadId).catch(() => {}), wait),
    );
  }

  /**
   * Ends a run: one that waits at once, one that is under way here at once, and one elsewhere as soon as it hears of it,
   * within a heartbeat. With `wait`, resolves when it has ended. "not-found" when there is none.
   */
  async cancel(
    threadId: string,
    runId: string,
    action: CancelAction,
    { wait = false } = {},
  ): Promise<"done" | "not-found"> {
    const { threads, events } = this.deps;
    const asked = await threads.cancel(threadId, runId, action);
    if (asked === "not-found") return asked;
    if (asked === "ended") {
      await this.leave(threadId);
      return "done";
    }
    const execution = this.active.get(runId);
    execution?.end(action);
    // The next batch of events hears of it; without Redis the heartbeat does.
    if (!execution) await events.requestCancel(runId, action).catch(() => {});
    // Its process may be dead.
    if (!execution) await this.leave(threadId);
    if (wait) await this.ended(threadId, runId);
    return "done";
  }

  /** The run's record, once it has ended; undefined when it is not there, as after a rollback. */
  async ended(threadId: string, runId: string, untilMs = Infinity): Promise<Run | undefined> {
    await this.active.get(runId)?.done;
    for (;;) {
      const run = await this.deps.threads.run(threadId, runId);
      const isUnderWay = run?.status === "pending" || run?.status === "running";
      if (!isUnderWay || performance.now() > untilMs) return run;
      await (this.active.get(runId)?.done ?? new Promise((resolve) => setTimeout(resolve, POLL_MS)));
    }
  }

  /**
   * Leaves to somebody every thread that has something due and is not at work here, also after one of them that fails, and
   * throws then. The same `sweep` is done once, by its name.
   */
  async sweep(sweep: string = newId("sweep")): Promise<void> {
    const threads = new Set<string>();
    const failures: unknown[] = [];
    const fail = (error: unknown) => failures.push(error);
    for await (const { threadId, runId, startAt } of this.deps.threads.unfinished()) {
      const since = this.deps.clock.now() - startAt;
      if (this.active.has(runId) || since < 0) continue;
      if (since > STRAY_MS) await this.deps.threads.endStray(threadId, runId).catch(fail);
      threads.add(threadId);
    }
    for (const threadId of threads)
      await this.sendOrKick(threadId, (queue) => queue.sendFound(threadId, sweep)).catch(fail);
    await sweepDeletions(this.deps, this).catch(fail);
    if (failures.length > 0) throw failures[0];
  }

  /** Sweeps now and then. For one process that stays; deployed, a schedule does it. */
  watch(everyMs: number): void {
    const again = () => {
      this.watching = setTimeout(
        () =>
          void this.sweep()
            .catch(() => {})
            .finally(again),
        everyMs,
      );
      this.watching.unref();
    };
    void this.sweep()
      .catch(() => {})
      .finally(() => this.stopped || again());
  }

  /** Resolves when nothing is under way here: before then, a process that may be frozen must not be. */
  async idle(): Promise<void> {
    while (this.kicking.size + this.closing.size > 0)
      await Promise.allSettled([...this.kicking.values(), ...this.closing]);
  }

  /** Ends what is under way at its last checkpoint, and leaves it to somebody to go on from there. */
  async yieldAll(): Promise<void> {
    for (const execution of this.active.values()) execution.end("yielded");
    await this.idle();
  }

  /** Ends what is under way so that it goes on from its last checkpoint elsewhere, or here after a restart. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.watching);
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const execution of this.active.values()) execution.end("yielded");
    let late: NodeJS.Timeout | undefined;
    const deadline = new Promise((resolve) => {
      late = setTimeout(resolve, STOP_MS);
    });
    await Promise.race([Promise.all([...this.active.values()].map(({ done }) => done)), deadline]);
    clearTimeout(late);
  }
}
