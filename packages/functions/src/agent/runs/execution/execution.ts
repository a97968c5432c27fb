/** The execution of one attempt of a run, from the lease to the attempt's end, however it ends. */
import type { RunnableConfig } from "@langchain/core/runnables";
import { incarnationConfig } from "@tenure/core/checkpoint";
import { underGuard } from "@tenure/core/dynamo";
import { TenureError } from "@tenure/core/errors";
import { firstEventOf } from "@tenure/core/events";
import type { CancelAction, FinalStatus, Lease, Projection, Run, SettledStatus } from "@tenure/core/thread";
import type { Graph } from "../../../graphs/graph.ts";
import { asUserCode } from "../../../graphs/user-code.ts";
import { type ErrorJson, errorJson, stringify } from "../../../http/json.ts";
import { assistantOf } from "../../assistants/assistants.ts";
import type { AgentDeps } from "../../deps.ts";
import { projectionOf } from "../../threads/projection.ts";
import { isWaiting } from "../../threads/status.ts";
import { executionOptions } from "../config.ts";
import { refuseAbsent } from "../fork.ts";
import { graphInput, type RunRequest, runRequest, streamModes } from "../request.ts";
import { EventJson, metadataOf } from "./event-json.ts";
import { execute } from "./events.ts";
import { Feed } from "./feed.ts";
import { Hold } from "./hold.ts";
import { takeover } from "./takeover.ts";

/** The number of process deaths after which a run is not executed again, and ends in an error. */
const MAX_CRASHES = 3;

/** The time that a graph that was stopped may take to end. */
const GRACE_MS = 2000;

/** The reason why a graph is ended before its own end. */
type Stop = CancelAction | "lost" | "yielded";

export class Execution {
  readonly run: Run;
  readonly feed: Feed;
  /** When this resolves the run has ended, or somebody else has it. */
  readonly done: Promise<void>;
  private readonly deps: AgentDeps;
  private readonly hold: Hold;
  private readonly abort = new AbortController();
  /** Ends the run when its lease lapses, whatever becomes of the request that was to renew it. */
  private lapse: NodeJS.Timeout | undefined;
  private isRenewing = false;
  private stop: Stop | undefined;
  private graph: Graph | undefined;
  /** True when the graph waits for somebody; undefined when its events have not told. */
  private isInterrupted: boolean | undefined;
  /** The last values that its events have told. */
  private values: unknown;
  /** True when it had ended before, and its record was gone when the request for it came again. */
  private isRepeated = false;
  /** True when no other run is in the thread's queue, as far as this process knows once `done` resolves. */
  isLast = false;

  constructor(deps: AgentDeps, lease: Lease, run: Run) {
    this.deps = deps;
    this.run = run;
    this.hold = new Hold(lease, deps.clock, deps.leasePolicy);
    // The thread's record says who has the run, and not the log.
    const onCancel = (action: CancelAction | "lost") => void (action === "lost" ? this.renew() : this.end(action));
    const first = firstEventOf(run.attempt);
    this.feed = new Feed({ log: deps.events, runId: run.id, fence: lease.fence, first, onCancel });
    if (run.cancel) this.end(run.cancel);
    this.done = this.perform();
  }

  /**
   * Ends the graph at once. Only the first reason counts. Work that the graph has done up to then may still be stored, unless
   * the run is rolled back or somebody else has the thread.
   */
  end(why: Stop): void {
    this.stop ??= why;
    if (this.stop === "rollback" || this.stop === "lost") this.hold.stop();
    // Listeners are the graph's, and may throw.
    asUserCode({ run: this.run.id }, () => this.abort.abort());
  }

  private async perform(): Promise<void> {
    const heartbeat = setInterval(() => void this.renew(), this.deps.leasePolicy.heartbeatMs);
    this.watchLease();
    try {
      const failure = await asUserCode({ run: this.run.id }, () => underGuard(this.hold.guard, () => this.runGraph()));
      // From here on nothing of the run is stored any more, whatever its nodes still do.
      await this.hold.drained();
      // Every event is in the log before the run's end is on record, so that whoever reads of the end finds them.
      await this.feed.flush();
      if (this.stop === "lost" || this.stop === "yielded") {
        // Nobody else may have taken a lease that has lapsed: then it need not lapse for others too.
        await this.deps.threads.release(this.hold.lease);
        return this.feed.lose();
      }
      if (!(await this.settle(failure)) || this.isRepeated) return this.feed.lose();
      await this.feed.end();
    } catch (error) {
      // The lease lapses by itself, and whoever takes it over ends the run.
      this.deps.report(
        JSON.stringify({ level: "error", event: "run-unsettled", run: this.run.id, error: errorJson(error).message }),
      );
      this.feed.lose();
    } finally {
      clearInterval(heartbeat);
      clearTimeout(this.lapse);
    }
  }

  /** Runs the graph, and returns what it threw; undefined when it threw nothing. */
  private async runGraph(): Promise<unknown> {
    const { run } = this;
    try {
      if (isTemporary(run.request) && isKeyed(run) && run.attempt === 1) {
        // A first attempt has no events yet.
        const told = await this.deps.events.read(run.id, -1, 1).catch(() => undefined);
        this.isRepeated = (told?.events.length ?? 0) > 0;
        if (this.isRepeated) return undefined;
      }
      // Before anything that may fail: the first event of an attempt is no other one.
      this.feed.append("metadata", metadataOf(run.id, run.attempt));
      if (this.stop) return undefined;
      if (crashesOf(run) >= MAX_CRASHES) throw new Error(`The run's process died ${MAX_CRASHES} times.`);
      const request = runRequest.parse(run.request);
      const assistant = await assistantOf(this.deps, run.assistantId, run.owner);
      const { incarnation, fence } = this.hold.lease;
      const asked = executionOptions(run, request, assistant, { ...incarnation, fence });
      if (isFirst(this.hold.lease) && run.attempt === 1) this.deps.checkpointer.noteNew(asked);
      const graph = await this.graphFor(request, asked);
      const begins = { input: graphInput(request), configurable: {} };
      const isNew = run.attempt === 1 || isTemporary(request);
      const begun = isNew
        ? begins
        : await takeover(this.deps.checkpointer, graph, { run, request, configurable: asked.configurable });
      if ("over" in begun) {
        // The process before may not have told what the run came to.
        if (streamModes(request).includes("values")) this.feed.append("values", { head: stringify(begun.over) });
        return undefined;
      }
      const options = {
        ...asked,
        configurable: { ...asked.configurable, ...begun.configurable },
        signal: this.abort.signal,
      };
      if (!isTemporary(request)) await refuseAbsent(this.deps.checkpointer, options);
      const { input } = begun;
      const execution = {
        ...{ runId: run.id, input, options },
        modes: streamModes(request),
        subgraphs: request.stream_subgraphs ?? false,
        store: this.deps.storeOf(run.owner),
      };
      const events = execute(graph, execution);
      const json = new EventJson();
      let unsendable: unknown;
      for (;;) {
        const next = await this.unlessDeaf(events.next());
        if (!next) return undefined;
        if (next.done) {
          if (unsendable) throw unsendable;
          this.isInterrupted = next.value;
          return undefined;
        }
        if (next.value.event === "values") this.values = next.value.data;
        try {
          this.feed.append(next.value.event, json.textOf(next.value));
        } catch (cause) {
          // The graph is heard to its end: when its checkpoint does not take the value either, that error says more.
          unsendable ??= cause;
        }
      }
    } catch (error) {
      if (this.hold.isLate) this.end("lost");
      return error ?? new Error("the graph threw nothing");
    }
  }

  /**
   * The graph's next event; undefined when it was stopped and has gone on for too long. It is left behind then, and
   * writes nothing any more.
   */
  private unlessDeaf<T>(next: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const { signal } = this.abort;
      let grace: NodeJS.Timeout | undefined;
      const stop = () => {
        grace = setTimeout(resolve, GRACE_MS, undefined);
      };
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
      next.then(resolve, reject).finally(() => {
        clearTimeout(grace);
        signal.removeEventListener("abort", stop);
      });
    });
  }

  /** A run without a thread of its own keeps no checkpoints. */
  private async graphFor(request: RunRequest, config: RunnableConfig): Promise<Graph> {
    const { graphs, stateless } = this.deps;
    const make = (isTemporary(request) ? stateless : graphs).get(this.run.graphId);
    if (!make) throw new Error(`There is no graph ${this.run.graphId}.`);
    this.graph = await make(config);
    return this.graph;
  }

  /** False when somebody else has the run by now, and ends it. */
  private async settle(failure: unknown): Promise<boolean> {
    const { threads, checkpointer } = this.deps;
    const { lease } = this.hold;
    const rolledBack = this.stop === "rollback";
    if (rolledBack) {
      // Absent first: the rest can be cut short, or overtaken by a write that another process sent before it died.
      if (!(await threads.undo(lease))) return false;
      await checkpointer.eraseRun(this.run.threadId, this.run.id);
    }
    const status: FinalStatus = this.stop ? "interrupted" : failure !== undefined ? "error" : "success";
    const thread = await this.threadStatusAfter(status);
    const error = status === "error" ? { error: errorOf(failure) } : {};
    const close = isTemporary(this.run.request);
    const projection = status === "success" ? this.projection() : undefined;
    // Clients are told of an error once it is the run's end, and the next process does not go on instead.
    const lastEvent = this.feed.last + (error.error ? 1 : 0);
    const outcome = { status, thread, projection, ...error, lastEvent };
    const left = await threads.settle(lease, { ...outcome, forget: rolledBack, close });
    this.isLast = left === "done";
    if (left === "lost") return false;
    if (error.error) this.feed.append("error", { head: stringify(error.error) });
    return true;
  }

  private get stateConfig(): RunnableConfig {
    return { configurable: { thread_id: this.run.threadId, ...incarnationConfig(this.hold.lease.incarnation) } };
  }

  /** The projection of the thread's values now, which the last event of all of them has told if nothing waits. */
  private projection(): Projection | undefined {
    const { values, isInterrupted } = this;
    if (values === undefined || isInterrupted !== false) return undefined;
    return projectionOf(values);
  }

  private async threadStatusAfter(status: FinalStatus): Promise<SettledStatus> {
    if (status === "error") return "error";
    if (status === "interrupted" || isTemporary(this.run.request as RunRequest)) return "idle";
    if (this.isInterrupted === false) return "idle";
    return isWaiting(await this.graph?.getState(this.stateConfig)) ? "interrupted" : "idle";
  }

  private watchLease(): void {
    clearTimeout(this.lapse);
    this.lapse = setTimeout(() => (this.hold.isLate ? this.end("lost") : this.watchLease()), this.hold.left);
    this.lapse.unref();
  }

  /** A run whose lease was not renewed in time is no longer the thread's only writer, and ends. */
  private async renew(): Promise<void> {
    if (this.isRenewing) return;
    this.isRenewing = true;
    try {
      if (this.hold.isLate) return this.end("lost");
      const renewed = await this.deps.threads.renew(this.hold.lease);
      if (!renewed) return this.end("lost");
      this.hold.renew(renewed.lease);
      if (renewed.cancel) this.end(renewed.cancel);
    } catch {
      if (this.hold.isLate) this.end("lost");
    } finally {
      this.isRenewing = false;
    }
  }
}

/** Returns the number of earlier attempts whose process neither ended the run nor gave it back. */
export const crashesOf = ({ attempt, yields }: Run): number => attempt - 1 - yields;

/** True for a thread's first lease: what changes its state takes one, a copy of another thread as well. */
const isFirst = ({ fence, incarnation }: Lease): boolean => fence === 1 && incarnation.id !== undefined;

/** True when the run's id is made of a client's Idempotency-Key: such ids are of version 5 (RFC 9562, section 5.5). */
const isKeyed = ({ id }: Run): boolean => id[14] === "5";

/** True when the run's thread was made for it alone, and goes with it. */
export const isTemporary = ({ on_completion }: { on_completion?: unknown | undefined }): boolean =>
  on_completion === "delete";

function errorOf(error: unknown): ErrorJson {
  try {
    if (error instanceof TenureError) return { error: error.reason.tag, message: error.message };
  } catch {
    // A proxy that throws whatever it is asked.
  }
  return errorJson(error);
}
