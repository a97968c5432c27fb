/** Clients of runs: they hear of one to its end, by as many connections as it takes. */
import { type Answer, Broken, parts } from "./http.ts";
import type { Result, Sent, Told } from "./record.ts";
import { type Requests, TRIES } from "./requests.ts";

type How = "wait" | "stream";

interface Connection {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: object;
  /** Hears which run it is, and on which thread. */
  begun?: (run: string, thread: string) => void;
}

export class Clients {
  private readonly requests: Requests;

  constructor(requests: Requests) {
    this.requests = requests;
  }

  /** Begins a run and hears of it to its end, by as many connections as it takes. */
  async begin(
    sent: Sent,
    place: string,
    headers: Record<string, string>,
    body: object,
  ): Promise<{ result: Result; run?: string }> {
    const { how, id } = sent.operation;
    let result: Result = "not-applied";
    for (let tries = 0; tries < TRIES; tries++) {
      const told = this.newTold(sent, id, -1);
      try {
        const answer = await this.listen(told, how as How, {
          ...{ method: "POST", path: `${place}/${how}`, headers, body },
          begun: (run, thread) => {
            sent.run = run;
            sent.admitted ??= this.requests.now;
            Object.assign(told, { run, thread });
          },
        });
        result = this.requests.resultOf(answer, result);
        if (result === "acked" || result === "refused") return { result, ...(sent.run && { run: sent.run }) };
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        result = "unknown";
        if (sent.run) {
          const last = how === "stream" ? (told.events.at(-1)?.id ?? -1) : -1;
          await this.follow(sent, how as How, last, `${id} again`, told);
          return { result: "acked", run: sent.run };
        }
      }
      await this.requests.pause(tries);
    }
    return { result };
  }

  private newTold({ thread, token, run = "", operation }: Sent, client: string, after: number): Told {
    const { graph, steps, stateless = false } = operation;
    const told: Told = { client, run, thread, token, after, graph, steps, stateless, events: [], hasEnded: false };
    this.requests.seen.told.push(told);
    return told;
  }

  /** Joins a run until it is over, and looks at its record then. */
  async follow(sent: Sent, how: How, after: number, client: string, before?: Told): Promise<void> {
    const told = before ?? this.newTold(sent, client, after);
    for (let tries = 0; tries < 40; tries++) {
      const last = told.events.at(-1)?.id ?? after;
      const path = `/threads/${told.thread}/runs/${sent.run}/${how === "wait" ? "join" : "stream"}`;
      const headers = how === "stream" && last >= 0 ? { "Last-Event-ID": String(last) } : {};
      try {
        const answer = await this.listen(told, how, { method: "GET", path, headers });
        if (this.requests.resultOf(answer, "unknown") !== "unknown") return;
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
      }
      await this.requests.pause(tries);
    }
  }

  private async listen(told: Told, how: How, request: Connection): Promise<Answer> {
    let head: Answer | undefined;
    let pending = "";
    let afterWord = false;
    for await (const part of parts(this.requests.process, this.requests.service(), request)) {
      if ("head" in part) {
        head = part.head;
        const [, thread, run] = /threads\/([^/]+)\/runs\/([^/]+)/.exec(head.headers.get("Location") ?? "") ?? [];
        if (head.status === 200 && thread && run) request.begun?.(run, thread);
        continue;
      }
      if (head) head.text += part.text;
      if (how === "wait" || head?.status !== 200) continue;
      pending += part.text;
      for (let end = pending.indexOf("\n\n"); end >= 0; end = pending.indexOf("\n\n")) {
        const block = pending.slice(0, end);
        pending = pending.slice(end + 2);
        const { event, data, id } = Object.fromEntries(block.split("\n").map((line) => line.split(/: ([\s\S]*)/)));
        if (id === undefined) afterWord ||= !block.startsWith(": heartbeat");
        else {
          told.events.push({ id: Number(id), event: String(event), data: String(data), afterWord });
          afterWord = false;
        }
      }
    }
    if (!head) throw new Broken();
    if (head.status !== 200) return head;
    if (afterWord) told.endsWithWord = true;
    if (how === "wait") told.result = resultIn(head.text);
    // Said of the service, and not of the run.
    if (/did not answer/.test(JSON.stringify(told.result?.error ?? ""))) throw new Broken();
    const run = await this.requests.look<{ status: string }>("GET", `/threads/${told.thread}/runs/${told.run}`);
    told.hasEnded = true;
    if (run) told.statusThen ??= run.body?.status ?? `none (${run.status})`;
    // A client that was told of the end of a run that has not ended goes on waiting for it.
    if (run?.body?.status === "pending" || run?.body?.status === "running") throw new Broken();
    return head;
  }
}

function resultIn(text: string): NonNullable<Told["result"]> {
  const read = JSON.parse(text) as { __error__?: unknown; said?: string[] };
  return read.__error__ === undefined ? { values: read } : { error: read.__error__ };
}
