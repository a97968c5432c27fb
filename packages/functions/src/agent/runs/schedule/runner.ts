/**
 * The runs of this process. A run belongs to its thread, not to the request that asked for it: it stands in the thread's
 * queue, holds the thread's lease while it is under way, and goes on when its client is gone. A caller that waits for a run, or
 * finds one whose process has died, calls `kick`; a caller that does not wait calls `handOver`.
 *
 * A thread, as this process has it: unknown -> kicked (its next run is looked for; one look at a time) -> under way, or unknown where
 * nothing is due, or timed (it is looked at again when something is), or waiting (there is no place for its user) -> kicked when its
 * turn comes. Under way -> kicked once more when the run has ended and others are in the queue.
 *
 * The process: open -> hurried (`yieldAll`: what is under way and what waits goes to the work queue, nothing begins) -> open (`resume`); and
 * from either -> stopped, for good. A hurried or stopped process never takes a lease.
 */
import { atMost } from "@tenure/core/deadline";
import type { CancelAction } from "@tenure/core/events";
import type { Admission, Begun, Later, NewAdmission, NewRun, Run } from "@tenure/core/thread";
import { newId } from "@tenure/core/token";
import type { AgentDeps } from "../../deps.ts";
import { crashesOf, Execution, isTemporary } from "../execution/execution.ts";
import { type CancelOptions, Ends } from "./ends.ts";
import { Handover } from "./handover.ts";
import { Headroom } from "./headroom.ts";
import { Places } from "./places.ts";
import { sweep } from "./sweep.ts";
import { ThreadTimers } from "./timers.ts";
import { UnderWay } from "./under-way.ts";
import { Wakes } from "./wakes.ts";
import { Watch } from "./watch.ts";
import type { WorkQueue } from "./work-queue.ts";

/** Milliseconds after the end of somebody else's lease, or the start of a delayed run, at which its thread is looked at again. */
const LATE_MS = 50;
/** Runs of one process at once, unless it is told another number, and where its event loop has the time. See bench/RESULTS.md. */
const MAX_ACTIVE = 100;
const STOP_MS = 1000;

interface NewSubmission extends Omit<NewAdmission, "holder"> {
  here?: boolean | undefined;
  /** Throws when the run is not to be after all, once it has called `release` and taken the thread back. */
  confirm: (release: () => Promise<void>) => Promise<void>;
}

export interface RunnerOptions {
  /** Runs under way at once; of one user four of five at most. */
  maxActive?: number | undefined;
  /** Brings runs to processes that have the time for them; without one, it is this process. */
  queue?: WorkQueue | undefined;
  /** See Headroom; that of this process' event loop when left out. */
  utilization?: () => number;
}

export class Runner {
  private readonly deps: AgentDeps;
  private readonly holder = newId("runner");
  private readonly active = new Map<string, Execution>();
  private readonly timers = new ThreadTimers();
  private readonly headroom: Headroom;
  private readonly places: Places;
  private readonly wakes = new Wakes();
  private readonly handover: Handover;
  private readonly ends: Ends;
  /** Kicks, in their threads' turns; runs, what comes after their end, and waits for threads whose holder seems to be dead. */
  private readonly work = new UnderWay();
  private readonly sweeps = new Watch(() => this.sweep());
  private stopped = false;
  /** Little time is left: nothing begins here until `resume`. */
  private isHurried = false;

  constructor(deps: AgentDeps, { maxActive = MAX_ACTIVE, queue, utilization }: RunnerOptions = {}) {
    this.deps = deps;
    this.headroom = new Headroom(maxActive, () => this.fill(), utilization);
    this.places = new Places(() => this.headroom.limit);
    this.handover = new Handover({ deps, queue, kick: (threadId, owner) => this.kick(threadId, owner) });
    this.ends = new Ends({ deps, active: this.active, handover: this.handover, wakes: this.wakes });
  }

  /**
   * Puts a run in its thread's queue, ending those before it as its strategy says, and begins it `here` if that is its turn
   * and there is a place: the run is returned then. Idempotent for the same run.
   */
  async submit(
    run: NewRun,
    { change, here = false }: Pick<Admission, "change"> & { here?: boolean | undefined } = {},
  ): Promise<Run | "admitted" | "busy" | "not-found"> {
    const { threads } = this.deps;
    const { threadId, multitask } = run;
    const ends = multitask === "interrupt" || multitask === "rollback" ? multitask : undefined;
    const told: { asked: readonly string[]; isStuck: boolean } = { asked: [], isStuck: false };
    const admission: Admission = {
      ...{ change, alone: multitask === "reject", ends },
      onAsked: (asked) => void Object.assign(told, { asked }),
      onStuck: () => void Object.assign(told, { isStuck: true }),
    };
    const place = here ? this.placeFor(run.owner) : undefined;
    const admitted = await (place
      ? this.inPlace(place, () => threads.admit(run, { ...admission, holder: this.holder }))
      : threads.admit(run, admission));
    if (ends) await this.ends.tellAll(threadId, run.owner, told.asked, ends);
    // Should its process be dead, the thread is not to stay busy until the next sweep.
    if (told.asked.length > 0 || told.isStuck) await this.handOver(threadId, run.owner).catch(() => {});
    return typeof admitted === "object" ? admitted.run : admitted;
  }

  /**
   * Puts a run on a thread that is made for it, and begins it `here` if it is due and there is a place. `confirm` is awaited
   * before anything of it executes; when it throws, nothing does, and nobody holds the thread. Returns as `submit` does.
   */
  async submitNew(run: NewRun, { here = false, confirm, ...made }: NewSubmission): Promise<Run | "admitted"> {
    const { threads } = this.deps;
    const place = here && run.startAt <= this.deps.clock.now() ? this.placeFor(run.owner) : undefined;
    const admit = async (holder?: string) => {
      const admitted = await threads.admitNew(run, { ...made, holder });
      await confirm(async () => {
        if (typeof admitted === "object") await threads.release(admitted.lease);
      });
      return admitted;
    };
    const admitted = await (place ? this.inPlace(place, () => admit(this.holder)) : admit());
    return typeof admitted === "object" ? admitted.run : admitted;
  }

  /** The run, if it is under way here. */
  live(runId: string): Execution | undefined {
    return this.active.get(runId);
  }

  /**
   * Begins whatever is due in a thread, here and as soon as there is a place for its user, and sees to it that what is due later
   * begins then. A process that is about to stop begins nothing: it leaves the thread to the work queue. A thread whose `owner`
   * the caller does not know waits as if it had one of its own.
   */
  kick(threadId: string, owner?: string): Promise<void> {
    return this.work.inTurn(threadId, () => this.beginNext(threadId, owner));
  }

  /** Sees to it that whatever is due in a thread begins, here or wherever the work queue leads, without waiting for it. */
  handOver(threadId: string, owner?: string): Promise<void> {
    return this.handover.thread(threadId, owner);
  }

  /** `taken`: a place that has been taken for it. */
  private async beginNext(threadId: string, owner?: string, taken?: () => void): Promise<void> {
    if (this.stopped || this.isHurried) taken?.();
    if (this.stopped) return;
    this.timers.cancel(threadId);
    if (this.isHurried) return this.handover.once(threadId);
    if (!taken && this.places.isWaiting(threadId)) return;
    const user = owner ?? threadId;
    const place = taken ?? this.places.take(user);
    if (!place) {
      this.places.wait(threadId, user);
      return this.headroom.watch();
    }
    const begun = await this.inPlace(place, () => this.deps.threads.begin(threadId, this.holder));
    if (begun && "retryAt" in begun) this.kickLater(threadId, owner, begun);
  }

  /** Performs what begins in a place; where nothing does, or the store fails, the place is the next one's. */
  private async inPlace<T>(place: () => void, begin: () => Promise<T | Begun>): Promise<T | Begun> {
    let isBegun = false;
    try {
      const begun = await begin();
      if (typeof begun === "object" && begun !== null && "lease" in begun) {
        this.perform(begun, place);
        isBegun = true;
      }
      return begun;
    } finally {
      if (!isBegun) this.giveBack(place);
    }
  }

  private placeFor(owner: string): (() => void) | undefined {
    return this.stopped || this.isHurried ? undefined : this.places.take(owner);
  }

  /** Gives a place back, and all that are free to those whose turn it is. */
  private giveBack(place: () => void): void {
    place();
    this.fill();
  }

  private fill(): void {
    if (this.stopped) return;
    for (let next = this.places.next(); next; next = this.places.next()) {
      const { threadId, user, free } = next;
      void this.work.inTurn(threadId, () => this.beginNext(threadId, user, free)).catch(() => {});
    }
    this.headroom.stopUnless(this.places.hasWaiting, this.places.size);
  }

  private perform({ lease, run }: Begun, place: () => void): void {
    const { threadId } = lease;
    this.deps.count("Runs");
    if (crashesOf(run) > 0) this.deps.count("LeaseTakeovers");
    const execution = new Execution(this.deps, lease, run);
    if (this.stopped || this.isHurried) execution.end("yielded");
    this.active.set(run.id, execution);
    this.wakes.wake(threadId);
    const over = execution.done.then(async () => {
      // The run may have begun here once more since.
      if (this.active.get(run.id) === execution) this.active.delete(run.id);
      // Threads that wait for a place come first; the thread's own next run after them.
      this.giveBack(place);
      if (isTemporary(run.request) && execution.isLast)
        // The thread was closed along with the run's end; should this fail, its records expire.
        await this.deps.threads.erase(threadId, run.owner).catch(() => {});
      if (this.stopped || execution.isLast) return;
      await (this.isHurried ? this.handover.once(threadId) : this.handOver(threadId, run.owner)).catch(() => {});
    });
    this.work.add(over);
  }

  /** True once this process begins nothing any more, for good. */
  get isStopped(): boolean {
    return this.stopped;
  }

  /** True while the thread waits for a place here, in which its next run begins. */
  isWaiting(threadId: string): boolean {
    return this.places.isWaiting(threadId);
  }

  /** Resolves to true when a run of the thread has begun here or was ended from here, and to false after `ms` milliseconds. */
  nextChange(threadId: string, ms: number): Promise<boolean> {
    return this.wakes.next(threadId, ms);
  }

  /** A thread whose holder seems to be dead is waited for: a process that may be frozen must not be before then. */
  private kickLater(threadId: string, owner: string | undefined, { retryAt, isSuspect = false }: Later): void {
    const wait = Math.max(0, retryAt - this.deps.clock.now()) + LATE_MS;
    const waited = this.timers.set(threadId, wait, () => this.kick(threadId, owner));
    if (isSuspect && this.handover.hasQueue) this.work.add(waited);
  }

  /**
   * Ends a run: one that waits at once, one that is under way here at once, and one elsewhere as soon as it hears of it,
   * within a heartbeat. With `wait`, resolves when it has ended. "not-found" when there is none.
   */
  cancel(
    threadId: string,
    runId: string,
    action: CancelAction,
    options?: CancelOptions,
  ): Promise<"done" | "not-found"> {
    return this.ends.cancel(threadId, runId, action, options);
  }

  /** Returns the run's record, once it has ended; undefined when it is not there, as after a rollback. */
  ended(threadId: string, runId: string): Promise<Run | undefined> {
    return this.ends.ended(threadId, runId);
  }

  /** Goes on with all that was left behind, now and then. For one process that stays; deployed, a schedule does it. */
  watch(everyMs: number): void {
    this.sweeps.start(everyMs);
  }

  /** See `sweep`. The same sweep is done once, by its name. */
  sweep(name: string = newId("sweep")): Promise<void> {
    return sweep(this.deps, this, (threadId, owner) => this.handover.found(threadId, owner, name));
  }

  /** Resolves when nothing is under way here: before then, a process that may be frozen must not be. */
  idle(): Promise<void> {
    return this.work.idle();
  }

  /**
   * Ends what is under way at its last checkpoint, and leaves it to the work queue to go on from there. Nothing begins here from now
   * on until `resume`: this process is about to be frozen or stopped.
   */
  async yieldAll(): Promise<void> {
    this.isHurried = true;
    this.timers.cancelAll();
    this.headroom.stop();
    const handedOver = this.places.clear().map((threadId) => this.handover.once(threadId).catch(() => {}));
    for (const execution of this.active.values()) execution.end("yielded");
    await Promise.all(handedOver);
    await this.idle();
  }

  /** There is time again. */
  resume(): void {
    this.isHurried = false;
    this.handover.forget();
  }

  /** Ends what is under way so that it goes on from its last checkpoint elsewhere, or here after a restart. */
  async stop(): Promise<void> {
    this.stopped = true;
    // Streams that wait for a run to begin here wait for nothing now.
    this.wakes.wakeAll();
    this.headroom.stop();
    this.timers.cancelAll();
    const swept = this.sweeps.stop();
    for (const execution of this.active.values()) execution.end("yielded");
    await atMost(STOP_MS, Promise.all([swept, ...[...this.active.values()].map(({ done }) => done)]));
  }
}
