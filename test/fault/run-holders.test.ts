/** Processes that freeze, that have little time left, or whose clocks are set: what becomes of the runs that they hold. */
import { Annotation, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import type { Graph, GraphFactory } from "@tenure/functions/graphs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newRun, OWNER, openProcesses, type Process, type Processes } from "../support/service/processes.ts";

/** Runs that wait in their second node until they are let go, by run id. */
const waiting = new Map<string, { begun: number; go: () => void }>();

const graph: GraphFactory = ({ checkpointer }) =>
  new StateGraph(Annotation.Root({ n: Annotation<number> }))
    .addNode("one", () => ({ n: 1 }))
    .addNode("long", async (_, { configurable, signal }) => {
      const id = String(configurable?.run_id);
      const begun = (waiting.get(id)?.begun ?? 0) + 1;
      await new Promise<void>((resolve) => {
        waiting.set(id, { begun, go: resolve });
        signal?.addEventListener("abort", () => resolve());
      });
      signal?.throwIfAborted();
      return { n: 2 };
    })
    .addEdge(START, "one")
    .addEdge("one", "long")
    .compile({ checkpointer: checkpointer ?? new MemorySaver() }) as unknown as Graph;

describe("a run", () => {
  let processes: Processes;
  let other: Process;
  beforeAll(async () => {
    processes = await openProcesses({ graph });
    other = await processes.open();
  });
  afterAll(() => processes.close());

  const statusOf = async (threadId: string, runId: string) => (await other.deps.threads.run(threadId, runId))?.status;
  const inNode = (runId: string, times = 1) =>
    expect.poll(() => waiting.get(runId)?.begun ?? 0, { timeout: 20_000 }).toBe(times);

  async function begin(process: Process) {
    const threadId = await processes.newThread();
    const run = newRun(threadId, { input: { n: 0 } });
    await process.runner.submit(run, { here: true });
    await inNode(run.id);
    return { threadId, run };
  }

  it("is handed over by a process that was frozen, or whose clock was set forward, and does not end in an error", async () => {
    const frozen = await processes.open();
    const { threadId, run } = await begin(frozen);
    frozen.pass(35_000);
    // The node goes on, and its write is refused; the lease is given back, though it was nobody else's.
    waiting.get(run.id)?.go();
    await frozen.runner.idle();
    expect(await statusOf(threadId, run.id)).toBe("running");
    expect(frozen.queued).toEqual([threadId]);
    await other.runner.kick(threadId);
    await inNode(run.id, 2);
    waiting.get(run.id)?.go();
    await other.runner.idle();
    expect(await other.deps.threads.run(threadId, run.id)).toMatchObject({ status: "success", attempt: 2, yields: 1 });
  });

  it("is begun again by no process that has little time left, and by one that has time again", async () => {
    const hurried = await processes.open();
    const { threadId, run } = await begin(hurried);
    await hurried.runner.yieldAll();
    expect(hurried.queued).toEqual([threadId]);
    for (let asked = 0; asked < 3; asked++) await hurried.runner.kick(threadId);
    const later = newRun(threadId, { input: { n: 0 } }, { multitask: "enqueue" });
    await hurried.runner.submit(later, { here: true });
    expect([hurried.runner.live(run.id), hurried.runner.live(later.id), hurried.queued]).toEqual([
      ...[undefined, undefined, [threadId]],
    ]);
    hurried.runner.resume();
    await hurried.runner.kick(threadId);
    await inNode(run.id, 2);
    const first = hurried.runner.live(run.id);
    waiting.get(run.id)?.go();
    await first?.done;
    await hurried.runner.kick(threadId);
    await inNode(later.id);
    waiting.get(later.id)?.go();
    await expect.poll(() => statusOf(threadId, later.id), { timeout: 20_000 }).toBe("success");
    expect(await other.deps.threads.run(threadId, run.id)).toMatchObject({ status: "success", attempt: 2, yields: 1 });
  });

  it("that is waited for by nobody else is begun though a kick before it failed", async () => {
    let fails = true;
    const process = await processes.open({
      replace: ({ threads }) => ({
        threads: {
          ...threads,
          begin: async (...asked) => {
            if (!fails) return threads.begin(...asked);
            fails = false;
            throw new Error("once");
          },
        },
      }),
    });
    const threadId = await processes.newThread();
    const run = newRun(threadId, { input: { n: 0 } });
    await other.deps.threads.admit(run, { alone: true });
    const [first, second] = await Promise.allSettled([process.runner.kick(threadId), process.runner.kick(threadId)]);
    expect([first.status, second.status]).toEqual(["rejected", "fulfilled"]);
    await inNode(run.id);
    waiting.get(run.id)?.go();
    await expect.poll(() => statusOf(threadId, run.id), { timeout: 20_000 }).toBe("success");
  });

  it("tells its events by numbers that no other process uses, and a client who waits elsewhere of its end", async () => {
    const dying = await processes.open();
    const { threadId, run } = await begin(dying);
    dying.die();
    const taken = other.takeOver(threadId);
    await inNode(run.id, 2);
    waiting.get(run.id)?.go();
    await taken;
    const page = await other.deps.events.read(run.id, -1, 1000);
    const ids = page?.events.map(({ id }) => id) ?? [];
    expect(new Set(ids).size).toBe(ids.length);
    const attempts = page?.events
      .filter(({ event }) => event === "metadata")
      .map(({ data }) => JSON.parse(data).attempt);
    expect(attempts?.at(-1)).toBe(2);
    expect(await other.deps.threads.run(threadId, run.id)).toMatchObject({ status: "success", lastEvent: ids.at(-1) });
    expect((await other.deps.threads.get(threadId, OWNER))?.status).toBe("idle");
  });
});
