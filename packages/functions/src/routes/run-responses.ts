/** What a run's client gets: its events as they come, or what it ended with. */
import type { LoggedEvent } from "@tenure/core/events";
import type { Run } from "@tenure/core/thread";
import type { Context } from "hono";
import { stream, streamSSE } from "hono/streaming";
import type { Deps } from "../deps.ts";
import type { Runner } from "../runs/runner.ts";
import { type Tailed, tail } from "../runs/tail.ts";
import { stringify } from "../runs/wire.ts";
import type { ThreadAccess } from "../threads.ts";

/** So often, at least, something is written: proxies and clients give up on what is silent. */
const QUIET_MS = 5_000;

interface Watching {
  /** The number of the event that was seen last; -1 for none. */
  after: number;
  cancelOnDisconnect: boolean;
  /** Events of these modes only. */
  modes?: string[] | undefined;
  /** The run's thread was made for it. */
  stateless?: boolean;
}

export class RunResponses {
  private readonly deps: Deps;
  private readonly runner: Runner;
  private readonly access: ThreadAccess;

  constructor(deps: Deps, runner: Runner, access: ThreadAccess) {
    this.deps = deps;
    this.runner = runner;
    this.access = access;
  }

  /** Its events as they come. The connection ends with the run, whose record says how it ended by then. */
  stream(c: Context, run: Run, { after, cancelOnDisconnect, modes, stateless = false }: Watching): Response {
    const place = `/threads/${run.threadId}/runs/${run.id}`;
    c.header("Content-Location", stateless ? `/runs/${run.id}` : place);
    // Where a client of the SDK goes on when the connection breaks.
    c.header("Location", `${place}/stream`);
    // Proxies that gather a response before they pass it on are told not to.
    c.header("X-Accel-Buffering", "no");
    const events = this.tail(run, after);
    return streamSSE(c, async (sse) => {
      sse.onAbort(() => this.disconnected(run, cancelOnDisconnect));
      for await (const one of events) {
        if (sse.aborted) break;
        if (one === "quiet") await sse.write(": heartbeat\n\n");
        else if (one === "unlogged") await sse.write(": the events of this run are not kept at the moment\n\n");
        else {
          const wanted = one.filter(({ event }) => isWanted(event, modes));
          if (wanted.length > 0) await sse.write(wanted.map(asText).join(""));
        }
      }
    });
  }

  /** What it ended with: its last values, or `__error__`. White space comes first while there is nothing to say. */
  wait(c: Context, run: Run, { cancelOnDisconnect, stateless = false }: Omit<Watching, "after" | "modes">): Response {
    const place = `/threads/${run.threadId}/runs/${run.id}`;
    c.header("Content-Location", stateless ? `/runs/${run.id}` : place);
    c.header("Location", `${place}/join`);
    c.header("Content-Type", "application/json");
    const events = this.tail(run, -1);
    return stream(c, async (body) => {
      body.onAbort(() => this.disconnected(run, cancelOnDisconnect));
      let result: string | undefined;
      for await (const one of events) {
        if (body.aborted) return;
        if (typeof one === "string") await body.write("\n");
        else
          for (const { event, data } of one)
            if (event === "values") result = data;
            else if (event === "error") result = `{"__error__":${data}}`;
      }
      await body.write(result ?? (await this.latest(run)));
    });
  }

  private tail(run: Run, after: number): AsyncGenerator<Tailed> {
    return tail(
      { deps: this.deps, runner: this.runner },
      { threadId: run.threadId, runId: run.id, after, quietMs: QUIET_MS },
    );
  }

  private disconnected(run: Run, cancels: boolean): void {
    if (cancels) void this.runner.cancel(run.threadId, run.id, "interrupt").catch(() => {});
  }

  /** What there is to say of a run whose events had no values, or are gone. */
  private async latest({ threadId, id, owner }: Run): Promise<string> {
    const run = await this.deps.threads.run(threadId, id);
    if (run?.error) return stringify({ __error__: run.error });
    const thread = await this.deps.threads.get(threadId, owner);
    const state = thread && (await this.access.shownState(thread));
    return stringify(state?.createdAt ? state.values : {});
  }
}

/** As server-sent events have it; the data is JSON of one line. */
const asText = ({ id, event, data }: LoggedEvent): string => `event: ${event}\ndata: ${data}\nid: ${id}\n\n`;

/** `mode|namespace` is of its mode, and so is `messages/partial`; what concerns the run itself always passes. */
function isWanted(event: string, modes: string[] | undefined): boolean {
  if (!modes || event === "metadata" || event === "error") return true;
  const mode = event.split(/[|/]/)[0] ?? "";
  return modes.includes(mode) || (mode === "messages" && modes.includes("messages-tuple"));
}
