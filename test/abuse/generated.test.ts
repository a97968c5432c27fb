/** Requests of every kind on every route that the API describes: none is answered with a fault of ours, and none is left hanging. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Annotation, interrupt, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sized, WAIT_MS } from "../support/runner/size.ts";
import { openUserApi, type UserApi } from "../support/service/user-api.ts";
import { dynamoEngines } from "../support/stores/dynamo.ts";
import { type Description, type Generated, type Known, requestOf } from "./generated.ts";

const REQUESTS = sized(1000, 20_000);
/** For one request, in milliseconds: so long others may wait. */
const HOLD_MS = 200;
/** More than the first quarter of the requests leaves on the heap, in bytes. */
const GROWTH_BYTES = 8 * 1024 * 1024;
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const State = Annotation.Root({ n: Annotation<unknown>, messages: Annotation<unknown> });
const work: GraphFactory = ({ checkpointer }) =>
  new StateGraph(State)
    .addNode("work", () => ({ n: 1 }))
    .addNode("ask", () => ({ n: interrupt("well?") }))
    .addEdge(START, "work")
    .addEdge("work", "ask")
    .compile({ checkpointer: checkpointer as never }) as never;

describe.each(dynamoEngines)("on $name", (engine) => {
  let user: UserApi;
  let description: Description;
  let known: Known;
  const lines: string[] = [];
  beforeAll(async () => {
    const report = (line: string) => void lines.push(line);
    // Somebody who is soon logged out logs in again at once, to delete the account.
    user = await openUserApi(engine, { graphs: { work }, report, codePolicy: { resendMs: 0 } });
    description = (await user.ask<Description>("GET", "/openapi.json")).body;
    await begin();
  });
  afterAll(() => user.close());

  let people = 0;
  const email = () => `somebody-${people}@example.com`;
  async function begin(): Promise<void> {
    people++;
    await user.become(email());
    expect(await user.ask("GET", "/auth/session")).toMatchObject({ status: 200 });
    const threads: string[] = [];
    const runs: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { thread_id } = (
        await user.ask<{ thread_id: string }>("POST", "/threads", { metadata: { graph_id: "work" } })
      ).body;
      threads.push(thread_id);
      if (n === 0) continue;
      const waited = await user.ask("POST", `/threads/${thread_id}/runs/wait`, { assistant_id: "work", input: {} });
      expect(waited).toMatchObject({ status: 200 });
      const [run] = (await user.ask<{ run_id: string }[]>("GET", `/threads/${thread_id}/runs`)).body;
      if (run) runs.push(run.run_id);
    }
    const made = await user.ask<{ assistant_id: string }>("POST", "/assistants", { graph_id: "work" });
    const assistants = [made.body.assistant_id, "work"];
    const states = [];
    for (const id of threads)
      states.push((await user.ask<{ checkpoint?: { checkpoint_id?: string } }>("GET", `/threads/${id}/state`)).body);
    const checkpoints = states.flatMap(({ checkpoint }) => checkpoint?.checkpoint_id ?? []);
    known = {
      ...{ threads, runs, assistants, run: runs, thread_id: threads, run_id: runs, run_ids: runs, ids: threads },
      ...{ assistant_id: assistants, graph_id: ["work"], checkpoint_id: checkpoints, checkpoint: checkpoints },
      as_node: ["work", "ask"],
      any: [...threads, ...runs, "00000000-0000-4000-8000-000000000000"],
    };
  }

  /** Runs that are not over, nor for later. */
  async function unfinished(): Promise<string[]> {
    const found = [];
    for await (const { runId, isDelayed } of user.api.deps.threads.unfinished()) if (!isDelayed) found.push(runId);
    return found;
  }

  /** Deletes the account and all that is in it, also of somebody who was logged out meanwhile. */
  async function end(): Promise<void> {
    await user.become(email());
    const { status } = await user.ask("DELETE", "/account");
    expect(status).toBe(204);
  }

  const LEAVE_OUT = new Set(["delete /api/account"]);
  const told = ({ method, path, body = "", how }: Generated) =>
    `${how}: ${method} ${path.slice(0, 300)} ${body.slice(0, 300)} (${body.length})`;

  it(`none of ${REQUESTS} is a fault of ours`, async ({ annotate }) => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    let longest = { ms: 0, seed: 0 };
    const heaps: number[] = [];
    const faults = new Map<string, string>();
    const statuses: Record<string, number> = {};
    for (let seed = 1; seed <= REQUESTS; seed++) {
      const request = requestOf(seed, description, known, LEAVE_OUT);
      delay.reset();
      const cpu = process.cpuUsage();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer: ${told(request)}`)), WAIT_MS);
      });
      const sent = user.send(request.method, request.path.replace(/^\/api/, ""), request.body);
      const answer = await Promise.race([sent, late]).finally(() => clearTimeout(timer));
      const { user: own, system } = process.cpuUsage(cpu);
      // Both bounds hold for what the request takes: a busy machine adds to the delay alone, a collection of garbage to the CPU time.
      const ms = Math.min(delay.max / 1e6, (own + system) / 1000);
      if (ms > longest.ms) longest = { ms, seed };
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (answer.status >= 500 && answer.status !== 501)
        faults.set(`${request.route} ${answer.status}`, `${told(request)} -> ${answer.text.slice(0, 300)}`);
      // Logged out, or too much asked: somebody else goes on.
      const isQuarter = seed % (REQUESTS / 4) === 0;
      if (answer.status === 401 || answer.status === 429 || isQuarter) {
        await end();
        if (isQuarter) {
          collectGarbage();
          heaps.push(process.memoryUsage().heapUsed);
        }
        await begin();
      }
    }
    delay.disable();
    const growth = (heaps.at(-1) as number) - (heaps[0] as number);
    await annotate(
      `${REQUESTS} requests on ${engine.name}: ${JSON.stringify(statuses)}, ${people} accounts, event loop held for ` +
        `${longest.ms.toFixed(0)} ms at most by request ${longest.seed}, heap ` +
        `${heaps.map((bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`).join(", ")} after each quarter`,
    );
    if (faults.size > 0) console.log(lines.join("\n"));
    expect([...faults.values()]).toEqual([]);
    expect(longest.ms, `request ${longest.seed}`).toBeLessThan(HOLD_MS);
    expect(growth).toBeLessThan(GROWTH_BYTES);
    expect(lines.filter((line) => /request-failed|unsettled|stream-broken/.test(line))).toEqual([]);
    await expect.poll(unfinished).toEqual([]);
  });
});
