/** The responses to a run's client: the run's events as they come, or its result. */
import { pause } from "@tenure/core/deadline";
import { firstEventOf, type LoggedEvent } from "@tenure/core/events";
import type { Run } from "@tenure/core/thread";
import type { Context } from "hono";
import { errorJson, stringify } from "../../http/json.ts";
import type { AgentDeps } from "../deps.ts";
import type { ThreadAccess } from "../threads/access.ts";
import { metadataOf } from "./execution/event-json.ts";
import type { Runner } from "./schedule/runner.ts";
import { ServerStops, type Tailed, tail } from "./tail.ts";

/** So often, at least, something is written: proxies and clients give up on what is silent. */
const QUIET_MS = 5_000;

interface Watching {
  /** The number of the event that was seen last; -1 for none. */
  after: number;
  cancelOnDisconnect: boolean;
  /** Events of these modes only. */
  modes?: string[] | undefined;
  /** The run's thread was made for it. */
  stateless?: boolean | undefined;
}

export class RunResponses {
  private readonly deps: AgentDeps;
  private readonly runner: Runner;
  private readonly access: ThreadAccess;

  constructor(deps: AgentDeps, runner: Runner, access: ThreadAccess) {
    this.deps = deps;
    this.runner = runner;
    this.access = access;
  }

  /** Streams the run's events as they come. The connection ends with the run, whose record says how it ended by then. */
  stream(c: Context, run: Run, { after, cancelOnDisconnect, modes, stateless = false }: Watching): Response {
    const path = `/threads/${run.threadId}/runs/${run.id}`;
    c.header("Content-Location", stateless ? `/runs/${run.id}` : path);
    // Where a client of the SDK goes on when the connection breaks.
    c.header("Location", `${path}/stream`);
    // Proxies that gather a response before they pass it on are told not to.
    c.header("X-Accel-Buffering", "no");
    c.header("Transfer-Encoding", "chunked");
    c.header("Content-Type", "text/event-stream");
    return c.body(this.body(this.told(run, after, modes), run, cancelOnDisconnect));
  }

  /** Answers with the run's result: its last values, or `__error__`. White space comes first while there is nothing to say. */
  wait(c: Context, run: Run, { cancelOnDisconnect, stateless = false }: Omit<Watching, "after" | "modes">): Response {
    const path = `/threads/${run.threadId}/runs/${run.id}`;
    c.header("Content-Location", stateless ? `/runs/${run.id}` : path);
    c.header("Location", `${path}/join`);
    c.header("Content-Type", "application/json");
    return c.body(this.body(this.result(run), run, cancelOnDisconnect));
  }

  private async *told(run: Run, after: number, modes: string[] | undefined): AsyncGenerator<string> {
    try {
      yield* this.events(run, after, modes);
    } catch (error) {
      if (error instanceof ServerStops) {
        yield STOPS;
        // A connection that is broken off loses what has not left yet.
        await pause(LAST_WORDS_MS);
      }
      throw error;
    }
  }

  private async *events(run: Run, after: number, modes: string[] | undefined): AsyncGenerator<string> {
    let seen = after;
    let isBegun = true;
    // A run that waits, for a place or for those before it, is known to be admitted, and what its first event says is known too.
    if (seen < 0 && run.status === "pending" && run.attempt === 0) {
      const [id, attempt] = [firstEventOf(1), 1];
      yield asText({ id, event: "metadata", data: metadataOf(run.id, attempt).head });
      seen = id;
      isBegun = false;
    }
    const tail = this.tail(run, seen);
    let next = await tail.next();
    for (; !next.done; next = await tail.next()) {
      const one = next.value;
      if (typeof one === "object") {
        seen = one.at(-1)?.id ?? seen;
        isBegun = true;
      }
      if (one === "quiet") yield ": heartbeat\n\n";
      else if (one === "gap")
        yield ": the process that had this run is gone, and some of its events may be missing here\n\n";
      else if (one === "unlogged") yield ": the events of this run are not kept at the moment\n\n";
      else {
        const wanted = one.filter(({ event }) => isWanted(event, modes));
        if (wanted.length > 0) yield wanted.map(asText).join("");
      }
    }
    if (next.value === undefined) return yield GAP;
    // The run's process may have died between the end on record and the last event; a run that nobody begins has no events, and may have an error.
    const last = isBegun ? next.value : Math.max(next.value, seen + 1);
    const { error } = (last > seen && (await this.deps.threads.run(run.threadId, run.id))) || {};
    if (error) yield asText({ id: last, event: "error", data: stringify(error) });
    else if (!isBegun) return;
    else if (last > seen) yield GAP;
  }

  private async *result(run: Run): AsyncGenerator<string> {
    let result: string | undefined;
    let last = -1;
    try {
      const tail = this.tail(run, -1);
      let next = await tail.next();
      for (; !next.done; next = await tail.next()) {
        if (typeof next.value === "string") yield "\n";
        else
          for (const { id, event, data } of next.value) {
            last = id;
            if (event === "values") result = data;
            else if (event === "error") result = `{"__error__":${data}}`;
          }
      }
      // Events that the log did not get may have said otherwise.
      const isWhole = next.value !== undefined && next.value <= last;
      yield isWhole && result !== undefined ? result : await this.latest(run);
    } catch (error) {
      if (error instanceof ServerStops) throw error;
      // The status is sent by now.
      this.broken(run, error);
      yield stringify({ __error__: errorJson(error) });
    }
  }

  /** Returns a body of what a generator yields, as fast as it is read. */
  private body(texts: AsyncGenerator<string>, run: Run, cancelOnDisconnect: boolean): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    let isCancelled = false;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            const next = await texts.next();
            if (isCancelled) return;
            if (next.done) controller.close();
            else controller.enqueue(encoder.encode(next.value));
          } catch (error) {
            if (!(error instanceof ServerStops)) this.broken(run, error);
            // A body that ends would say that this was all. One that breaks off is asked for again, from where it was.
            if (!isCancelled) controller.error(error);
          }
        },
        cancel: () => {
          isCancelled = true;
          void texts.return(undefined).catch(() => {});
          if (cancelOnDisconnect)
            void this.runner.cancel(run.threadId, run.id, "interrupt", { owner: run.owner }).catch(() => {});
        },
      },
      { highWaterMark: 0 },
    );
  }

  private broken({ id }: Run, error: unknown): void {
    const { message } = errorJson(error);
    this.deps.report(JSON.stringify({ level: "error", event: "stream-broken", run: id, error: message }));
  }

  private tail(run: Run, after: number): AsyncGenerator<Tailed, number | undefined> {
    return tail(
      { deps: this.deps, runner: this.runner },
      { threadId: run.threadId, runId: run.id, owner: run.owner, after, quietMs: QUIET_MS },
    );
  }

  /** Returns the result of a run whose events had no values or are gone, as JSON: its error, or its thread's latest values. */
  private async latest({ threadId, id, owner }: Run): Promise<string> {
    const run = await this.deps.threads.run(threadId, id);
    if (run?.error) return stringify({ __error__: run.error });
    const thread = await this.deps.threads.get(threadId, owner);
    if (!run && !thread) return stringify({ __error__: GONE });
    const state = thread && (await this.access.shownState(thread));
    return stringify(state?.createdAt ? state.values : {});
  }
}

/** A run that kept nothing, whose events are gone as well. */
const GONE = { error: "run-not-found", message: "This run has ended, and what it came to is not kept any more." };
/** Said before a stream breaks off, so that its client asks again. */
const LAST_WORDS_MS = 50;
const STOPS = ": this server stops, and the run goes on; ask again from the last event\n\n";
/** Numbers that are left out tell it too. */
const GAP = ": some events of this run may be missing here\n\n";

/** As server-sent events have it; the data is JSON of one line. */
const asText = ({ id, event, data }: LoggedEvent): string => `event: ${event}\ndata: ${data}\nid: ${id}\n\n`;

/** `mode|namespace` is of its mode, and so is `messages/partial`; what concerns the run itself always passes. */
function isWanted(event: string, modes: string[] | undefined): boolean {
  if (!modes || event === "metadata" || event === "error") return true;
  const mode = event.split(/[|/]/)[0] ?? "";
  return modes.includes(mode) || (mode === "messages" && modes.includes("messages-tuple"));
}
