/** Ends of runs that somebody asks for, and waits for their ends. */
import { pause } from "@tenure/core/deadline";
import type { CancelAction } from "@tenure/core/events";
import type { Run } from "@tenure/core/thread";
import type { AgentDeps } from "../../deps.ts";
import type { Execution } from "../execution/execution.ts";
import type { Handover } from "./handover.ts";
import type { Wakes } from "./wakes.ts";

/** Milliseconds between two looks at the record of a run that is under way elsewhere. */
const POLL_MS = 200;

interface EndsOptions {
  deps: Pick<AgentDeps, "threads" | "events">;
  /** Runs that are under way here. */
  active: ReadonlyMap<string, Execution>;
  handover: Handover;
  wakes: Wakes;
}

export interface CancelOptions {
  /** Resolve when the run has ended. */
  wait?: boolean | undefined;
  /** The thread's, as far as the caller knows. */
  owner?: string | undefined;
}

export class Ends {
  private readonly deps: Pick<AgentDeps, "threads" | "events">;
  private readonly active: ReadonlyMap<string, Execution>;
  private readonly handover: Handover;
  private readonly wakes: Wakes;

  constructor({ deps, active, handover, wakes }: EndsOptions) {
    this.deps = deps;
    this.active = active;
    this.handover = handover;
    this.wakes = wakes;
  }

  /** See Runner.cancel. */
  async cancel(
    threadId: string,
    runId: string,
    action: CancelAction,
    { wait = false, owner }: CancelOptions = {},
  ): Promise<"done" | "not-found"> {
    const asked = await this.deps.threads.cancel(threadId, runId, action);
    if (asked === "not-found") return asked;
    if (asked === "ended") {
      this.wakes.wake(threadId);
      await this.handover.thread(threadId, owner);
      return "done";
    }
    await this.tell(runId, action);
    // The run's process may be dead.
    if (!this.active.has(runId)) await this.handover.thread(threadId, owner);
    if (wait) await this.ended(threadId, runId);
    return "done";
  }

  /**
   * Tells a thread's streams in this process, and those of its runs whose end an admission has put on record, wherever they are. A run
   * that has ended need not be told.
   */
  async tellAll(threadId: string, owner: string, runIds: readonly string[], action: CancelAction): Promise<void> {
    this.wakes.wake(threadId);
    if (runIds.length === 0) return;
    const { inflight = [] } = (await this.deps.threads.get(threadId, owner)) ?? {};
    for (const runId of runIds) if (inflight.includes(runId)) await this.tell(runId, action);
  }

  /** Tells whoever has a run that it is to end, which is on record already. */
  private async tell(runId: string, action: CancelAction): Promise<void> {
    const execution = this.active.get(runId);
    execution?.end(action);
    // The next batch of events hears of it; without Redis the heartbeat does.
    if (!execution) await this.deps.events.requestCancel(runId, action).catch(() => {});
  }

  /** See Runner.ended. */
  async ended(threadId: string, runId: string): Promise<Run | undefined> {
    await this.active.get(runId)?.done;
    for (;;) {
      const run = await this.deps.threads.run(threadId, runId);
      const isUnderWay = run?.status === "pending" || run?.status === "running";
      if (!isUnderWay) return run;
      await (this.active.get(runId)?.done ?? pause(POLL_MS));
    }
  }
}
