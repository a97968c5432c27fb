/**
 * The runs of this process. A run belongs to its thread, not to the request that asked for it: it stands in the thread's
 * line, holds the thread's lease while it is under way, and goes on when its client is gone. Whoever waits for a run, or
 * finds one whose process has died, calls `kick`; whoever does not wait calls `leave`.
 */
import type { CancelAction } from "@tenure/core/events";
import type { Admission, Begun, Later, NewAdmission, NewRun, Run } from "@tenure/core/thread";
import { newId } from "@tenure/core/token";
import type { Deps } from "../deps.ts";
import { crashesOf, Execution, isTemporary } from "./execution.ts";
import type { RunQueue } from "./queue.ts";
import { sweep } from "./sweep.ts";
import { ThreadTimers } from "./timers.ts";

/** How long before the end of a lease that is somebody else's it is worth looking again. */
const LATE_MS = 50;
/** More than these at once would only make one another slow, until the stores' deadlines pass. */
const MAX_ACTIVE = 10;
const STOP_MS = 1000;
const POLL_MS = 200;

interface NewSubmission extends Omit<NewAdmission, "holder"> {
  here?: boolean;
  /** Throws when the run is not to be after all, once it has called `release` and taken the thread back. */
  confirm: (release: () => Promise<void>) => Promise<void>;
}

export class Runner {
  private readonly deps: Deps;
  private readonly holder = newId("runner");
  private readonly active = new Map<string, Execution>();
  private readonly timers = new ThreadTimers();
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
  /** Little time is left: nothing begins here until `resume`. */
  private isHurried = false;
  /** Threads that were left to the queue since. */
  private readonly left = new Set<string>();

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
    const { threadId, multitask } = run;
    const ends = multitask === "interrupt" || multitask === "rollback" ? multitask : undefined;
    let asked: readonly string[] = [];
    let isStuck = false;
    const admission: Admission = {
      ...(change && { change }),
      ...{ alone: multitask === "reject", ends },
      onAsked: (runIds) => {
        asked = runIds;
      },
      onStuck: () => {
        isStuck = true;
      },
    };
    const admitted = await (here && this.canBegin
      ? this.inPlace(() => threads.admit(run, { ...admission, holder: this.holder }))
      : threads.admit(run, admission));
    if (ends && asked.length > 0) {
      // On record they are to end; who has ended meanwhile need not be told.
      const { inflight = [] } = (await threads.get(threadId, run.owner)) ?? {};
      for (const runId of asked) if (inflight.includes(runId)) await this.tell(runId, ends);
    }
    // Should its process be dead, the thread is not to stay busy until the next sweep.
    if (asked.length > 0 || isStuck) await this.leave(threadId).catch(() => {});
    return typeof admitted === "object" ? "admitted" : admitted;
  }

  /**
   * Puts a run on a thread that is made for it, and begins it `here` if it is due and there is a place. `confirm` is awaited
   * before anything of it executes; when it throws, nothing does, and nobody holds the thread.
   */
  async submitNew(run: NewRun, { here = false, confirm, ...made }: NewSubmission): Promise<"admitted"> {
    const { threads } = this.deps;
    const begins = here && this.canBegin && run.startAt <= this.deps.clock.now();
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

  /**
   * Begins whatever is due in a thread, here and now, and sees to it that what is due later begins then. A process that is
   * about to stop begins nothing: it leaves the thread to the queue.
   */
  kick(threadId: string): Promise<void> {
    const before = this.kicking.get(threadId) ?? Promise.resolve();
    const next = before
      .catch(() => {})
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
    this.timers.cancel(threadId);
    if (this.isHurried) return this.leaveOnce(threadId);
    if (this.places <= 0) {
      this.waiting.add(threadId);
      return;
    }
    this.waiting.delete(threadId);
    const begun = await this.inPlace(() => this.deps.threads.begin(threadId, this.holder));
    if (begun && "retryAt" in begun) this.kickLater(threadId, begun);
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

  private get canBegin(): boolean {
    return this.places > 0 && !this.stopped && !this.isHurried;
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
    const execution = new Execution(this.deps, lease, run);
    if (this.stopped || this.isHurried) execution.end("yielded");
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
      if (!execution.isLast) await (this.isHurried ? this.leaveOnce(threadId) : this.leave(threadId)).catch(() => {});
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

  /** A thread whose holder seems to be dead is waited for: a process that may be frozen must not be before then. */
  private kickLater(threadId: string, { retryAt, isSuspect = false }: Later): void {
    const wait = Math.max(0, retryAt - this.deps.clock.now()) + LATE_MS;
    const waited = this.timers.set(threadId, wait, () => this.kick(threadId));
    if (!isSuspect || !this.queue) return;
    this.closing.add(waited);
    void waited.then(() => this.closing.delete(waited));
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
    const { threads } = this.deps;
    const asked = await threads.cancel(threadId, runId, action);
    if (asked === "not-found") return asked;
    if (asked === "ended") {
      await this.leave(threadId);
      return "done";
    }
    await this.tell(runId, action);
    // Its process may be dead.
    if (!this.active.has(runId)) await this.leave(threadId);
    if (wait) await this.ended(threadId, runId);
    return "done";
  }

  /** Tells whoever has a run that it is to end, which is on record already. */
  private async tell(runId: string, action: CancelAction): Promise<void> {
    const execution = this.active.get(runId);
    execution?.end(action);
    // The next batch of events hears of it; without Redis the heartbeat does.
    if (!execution) await this.deps.events.requestCancel(runId, action).catch(() => {});
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

  /** Goes on with all that was left behind, now and then. For one process that stays; deployed, a schedule does it. */
  watch(everyMs: number): void {
    const again = () => {
      this.watching = setTimeout(sweeping, everyMs);
      this.watching.unref();
    };
    const sweeping = () =>
      void this.sweep()
        .catch(() => {})
        .finally(() => this.stopped || again());
    sweeping();
  }

  /** See `sweep`. The same sweep is done once, by its name. */
  sweep(name: string = newId("sweep")): Promise<void> {
    return sweep(this.deps, this, (threadId) => this.sendOrKick(threadId, (queue) => queue.sendFound(threadId, name)));
  }

  /** Resolves when nothing is under way here: before then, a process that may be frozen must not be. */
  async idle(): Promise<void> {
    while (this.kicking.size + this.closing.size > 0)
      await Promise.allSettled([...this.kicking.values(), ...this.closing]);
  }

  /**
   * Ends what is under way at its last checkpoint, and leaves it to the queue to go on from there. Nothing begins here from now
   * on until `resume`: this process is about to be frozen or stopped.
   */
  async yieldAll(): Promise<void> {
    this.isHurried = true;
    this.timers.cancelAll();
    for (const threadId of this.waiting) void this.leaveOnce(threadId);
    this.waiting.clear();
    for (const execution of this.active.values()) execution.end("yielded");
    await this.idle();
  }

  /** There is time again. */
  resume(): void {
    this.isHurried = false;
    this.left.clear();
  }

  /** For a process that is hurried: the queue is told of a thread once. */
  private async leaveOnce(threadId: string): Promise<void> {
    if (this.left.has(threadId) || !this.queue) return;
    this.left.add(threadId);
    await this.leave(threadId);
  }

  /** Ends what is under way so that it goes on from its last checkpoint elsewhere, or here after a restart. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.watching);
    this.timers.cancelAll();
    for (const execution of this.active.values()) execution.end("yielded");
    let late: NodeJS.Timeout | undefined;
    const deadline = new Promise((resolve) => {
      late = setTimeout(resolve, STOP_MS);
    });
    await Promise.race([Promise.all([...this.active.values()].map(({ done }) => done)), deadline]);
    clearTimeout(late);
  }
}
