/** Requests of every kind on every route that the API describes: none is answered with a fault of ours, and none is left hanging. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Annotation, interrupt, START, StateGraph } from "@langchain/langgraph";
import type { GraphFactory } from "@tenure/functions/graphs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines } from "../engines/dynamo.ts";
import { openUserApi, type UserApi } from "../engines/user-api.ts";
import { sized, WAIT_MS } from "../support/size.ts";
import { type Description, type Generated, type Known, requestOf } from "./generated.ts";

const REQUESTS = sized(1000, 20_000);
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
    user = await openUserApi(engine, { graphs: { work }, report: (line) => void lines.push(line) });
    description = (await user.ask<Description>("GET", "/openapi.json")).body;
    await begin();
  });
  afterAll(() => user.close());

  let people = 0;
  async function begin(): Promise<void> {
    await user.become(`somebody-${people++}@example.com`);
    const threads: string[] = [];
    const runs: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { thread_id } = (
        await user.ask<{ thread_id: string }>("POST", "/threads", { metadata: { graph_id: "work" } })
      ).body;
      threads.push(thread_id);
      if (n === 0) continue;
      await user.ask("POST", `/threads/${thread_id}/runs/wait`, { assistant_id: "work", input: {} });
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

  const LEAVE_OUT = new Set(["delete /api/account"]);
  const told = ({ method, path, body = "", how }: Generated) =>
    `${how}: ${method} ${path.slice(0, 300)} ${body.slice(0, 300)} (${body.length})`;

  it(`none of ${REQUESTS} is a fault of ours`, async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const faults = new Map<string, string>();
    const statuses: Record<string, number> = {};
    for (let seed = 1; seed <= REQUESTS; seed++) {
      const request = requestOf(seed, description, known, LEAVE_OUT);
      const late = AbortSignal.timeout(WAIT_MS);
      const answer = await Promise.race([
        user.send(request.method, request.path.replace(/^\/api/, ""), request.body),
        new Promise<never>((_, reject) =>
          late.addEventListener("abort", () => reject(new Error(`no answer: ${told(request)}`))),
        ),
      ]);
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (answer.status >= 500 && answer.status !== 501)
        faults.set(`${request.route} ${answer.status}`, `${told(request)} -> ${answer.text.slice(0, 300)}`);
      // Logged out, or too much asked: somebody else goes on.
      if (answer.status === 401 || answer.status === 429) await begin();
    }
    delay.disable();
    console.log(JSON.stringify(statuses), `event loop held for ${Math.round(delay.max / 1e6)} ms at most`);
    if (faults.size > 0) console.log(lines.join("\n"));
    expect([...faults.values()]).toEqual([]);
    expect(lines.filter((line) => /request-failed|unsettled|stream-broken/.test(line))).toEqual([]);
    await expect.poll(unfinished).toEqual([]);
  });
});
