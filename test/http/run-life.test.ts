/** Runs from beginning to end, whatever happens to their processes and to one another. */
import { defaultLeasePolicy } from "@tenure/core/thread";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { type GatedValues, startPair } from "../support/service/api-processes.ts";
import { said, turn } from "../support/service/gated-graph.ts";

const contents = (values: GatedValues) => values.messages.map(({ content }) => content);

const { stores, one, token, client, elsewhere, newThread, close } = await startPair();
afterAll(close);
afterEach(() => {
  vi.restoreAllMocks();
});
const stateOf = async (threadId: string) => contents((await client.threads.getState(threadId)).values);

describe("a run", () => {
  it("reports what its graph throws, and leaves the thread in error", async () => {
    const threadId = await newThread();
    const bad = client.runs.wait(threadId, "gated", { ...turn(3), config: { recursion_limit: 2 } });
    await expect(bad).rejects.toThrow(/GraphRecursionError/);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "error" });
    expect((await client.runs.list(threadId))[0]).toMatchObject({ status: "error" });
    const answer = await client.runs.wait(threadId, "gated", {
      ...turn(3),
      config: { recursion_limit: 2 },
      raiseError: false,
    });
    expect(answer).toMatchObject({ __error__: { error: "GraphRecursionError" } });
  });

  describe("that is under way when a second one comes to its thread", () => {
    /** The first one is at its step 2, of 4, and stays there. */
    const begin = async (multitaskStrategy: "reject" | "enqueue" | "interrupt" | "rollback") => {
      const threadId = await newThread();
      await client.runs.wait(threadId, "gated", turn(1, { content: "before" }));
      const gate = stores.newGate();
      gate.open(0, 1);
      const first = await client.runs.create(threadId, "gated", turn(4, { content: "first", gate }));
      await gate.reached(2);
      const second = client.runs.create(threadId, "gated", { ...turn(1, { content: "second" }), multitaskStrategy });
      return { threadId, gate, first: first.run_id, second };
    };
    const before = said(1, "before");

    it("keeps it out, if the second one is to be alone", async () => {
      const { threadId, gate, first, second } = await begin("reject");
      await expect(second).rejects.toMatchObject({ status: 422 });
      gate.open();
      await client.runs.join(threadId, first);
      expect(await stateOf(threadId)).toEqual([...before, ...said(4, "first")]);
    });

    it("lets it wait", async () => {
      const { threadId, gate, second } = await begin("enqueue");
      const { run_id } = await second;
      expect(await client.runs.get(threadId, run_id)).toMatchObject({ status: "pending" });
      gate.open();
      await client.runs.join(threadId, run_id);
      expect(await stateOf(threadId)).toEqual([...before, ...said(4, "first"), ...said(1, "second")]);
    });

    it("is interrupted by it, and keeps what it has done", async () => {
      const { threadId, first, second } = await begin("interrupt");
      await client.runs.join(threadId, (await second).run_id);
      expect(await client.runs.get(threadId, first)).toMatchObject({ status: "interrupted" });
      expect(await stateOf(threadId)).toEqual([...before, ...said(2, "first"), ...said(1, "second")]);
    });

    it("is rolled back by it, and leaves nothing", async () => {
      const { threadId, first, second } = await begin("rollback");
      await client.runs.join(threadId, (await second).run_id);
      await expect(client.runs.get(threadId, first)).rejects.toMatchObject({ status: 404 });
      expect(await stateOf(threadId)).toEqual([...before, ...said(1, "second")]);
    });
  });

  describe("is cancelled in the middle of a step, and leaves the thread idle, when", () => {
    const begin = async () => {
      const [threadId, gate] = [await newThread(), stores.newGate()];
      const { run_id } = await client.runs.create(threadId, "gated", turn(3, { gate }));
      const visit = await gate.reached(0);
      return { threadId, visit, runId: run_id };
    };
    const expectCancelled = async (threadId: string, runId: string) => {
      expect(await client.runs.get(threadId, runId)).toMatchObject({ status: "interrupted" });
      expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
      await client.runs.wait(threadId, "gated", turn(1, { content: "after" }));
      expect((await stateOf(threadId)).slice(-2)).toEqual(said(1, "after"));
    };

    it("its own process is asked", async () => {
      const { threadId, runId, visit } = await begin();
      await expect(client.threads.updateState(threadId, { values: { taken: 7 } })).rejects.toMatchObject({
        status: 409,
      });
      // Nobody opens its gate, so that it can only end by being cancelled.
      await client.runs.cancel(threadId, runId, true);
      await visit.gone;
      await expectCancelled(threadId, runId);
    });

    it("another one is asked and no events get through: it hears of that with its heartbeat", async () => {
      const append = vi.spyOn(one.deps.events, "append").mockRejectedValue(new Error("cut off"));
      const { threadId, runId, visit } = await begin();
      await elsewhere.runs.cancel(threadId, runId, true);
      await visit.gone;
      append.mockRestore();
      await expectCancelled(threadId, runId);
    });

    it("another one is asked and no heartbeat gets through: it hears of that with its events", async () => {
      const renew = vi.spyOn(one.deps.threads, "renew").mockReturnValue(new Promise(() => {}));
      const { threadId, runId, visit } = await begin();
      await elsewhere.runs.cancel(threadId, runId);
      visit.pass();
      await one.runner.ended(threadId, runId);
      renew.mockRestore();
      await expectCancelled(threadId, runId);
    });
  });

  it("is begun once for one Idempotency-Key", async () => {
    const threadId = await newThread();
    const begin = () =>
      one.request("POST", `/threads/${threadId}/runs`, {
        headers: { "x-api-key": token, "Idempotency-Key": "the-same" },
        body: { assistant_id: "gated", multitask_strategy: "enqueue", ...turn(2) },
      });
    const answers = await Promise.all([begin(), begin(), begin()]);
    const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as { run_id: string }).run_id));
    expect(new Set(ids).size).toBe(1);
    await client.runs.join(threadId, ids[0] ?? "");
    expect(((await (await begin()).json()) as { run_id: string }).run_id).toBe(ids[0]);
    expect(await stateOf(threadId)).toEqual(said(2));
    expect(await client.runs.list(threadId)).toHaveLength(1);
  });

  it.each(["/runs", "/runs/wait", "/runs/stream", "/runs/batch"])(
    "without a thread is executed once for one Idempotency-Key, and answered as before: %s",
    async (path) => {
      const asked = Array.from({ length: path === "/runs/batch" ? 3 : 1 }, () => stores.newGate());
      const bodies = asked.map((gate) => ({ assistant_id: "gated", ...turn(1, { gate }) }));
      const ask = async () => {
        const headers = { "x-api-key": token, "Idempotency-Key": path };
        const answer = await one.request("POST", path, { headers, body: path === "/runs/batch" ? bodies : bodies[0] });
        const text = await answer.text();
        return { status: answer.status, text, at: answer.headers.get("content-location") };
      };
      const first = [ask(), ask(), ask()];
      for (const gate of asked) await gate.reached(0);
      for (const gate of asked) gate.open();
      const answers = await Promise.all(first);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(new Set(answers.map(({ at }) => at)).size).toBe(1);
      if (path === "/runs/batch") {
        const ids = answers.map(({ text }) => (JSON.parse(text) as { run_id: string }[]).map(({ run_id }) => run_id));
        expect(new Set(ids.flat()).size).toBe(3);
        for (const more of ids) expect(more).toEqual(ids[0]);
      }
      await one.runner.idle();
      const again = await ask();
      // The run's end can come between the look for that end and the admission.
      const look = vi.spyOn(one.deps.events, "read").mockResolvedValueOnce(undefined);
      if (path === "/runs/wait") expect((await ask()).text).toBe(answers[0]?.text);
      look.mockRestore();
      expect(again.status).toBe(200);
      if (path === "/runs/wait" || path === "/runs/stream") expect(again.text).toBe(answers[0]?.text);
      await one.runner.idle();
      expect(asked.map((gate) => gate.visits(0))).toEqual(asked.map(() => 1));
    },
  );

  it("waits as long as it is told to, and can be cancelled before", async () => {
    const threadId = await newThread();
    const [soon, never] = [
      await client.runs.create(threadId, "gated", { ...turn(1), afterSeconds: 60 }),
      await client.runs.create(threadId, "gated", { ...turn(1), afterSeconds: 600, multitaskStrategy: "enqueue" }),
    ];
    const statuses = async () => (await client.runs.list(threadId)).map(({ status }) => status).sort();
    await one.runner.sweep();
    expect(await statuses()).toEqual(["pending", "pending"]);
    stores.clock.move(60_000);
    await one.runner.sweep();
    await client.runs.join(threadId, soon.run_id);
    expect(await statuses()).toEqual(["pending", "success"]);
    await client.runs.cancel(threadId, never.run_id);
    expect(await statuses()).toEqual(["interrupted", "success"]);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
  });

  it("without a thread leaves nothing, or its thread if that is to be kept", async () => {
    const create = vi.spyOn(one.deps.threads, "admitNew");
    let runCreated: { run_id: string; thread_id?: string } | undefined;
    const values = (await client.runs.wait(null, "gated", {
      ...turn(1),
      onRunCreated: (created) => {
        runCreated = created;
      },
    })) as unknown as GatedValues;
    expect([contents(values), typeof runCreated?.run_id]).toEqual([said(1), "string"]);
    const seen = [];
    for await (const { event } of client.runs.stream(null, "gated", { ...turn(1), streamMode: "updates" }))
      seen.push(event);
    expect(seen).toEqual(["metadata", "updates", "updates"]);
    const made = create.mock.calls.map(([{ threadId, owner }]) => ({ id: threadId, owner }));
    create.mockRestore();
    expect(made).toHaveLength(2);
    for (const { id, owner } of made) await expect.poll(() => one.deps.threads.get(id, owner)).toBe(undefined);
    const before = await client.threads.count();
    await client.runs.wait(null, "gated", turn(1));
    expect(await client.threads.count()).toBe(before);
    await client.runs.wait(null, "gated", { ...turn(1), onCompletion: "keep" } as never);
    expect(await client.threads.count()).toBe(before + 1);
  });

  it("goes on where it was when its process stops", async () => {
    const leaving = await stores.start();
    const [threadId, gate] = [await newThread(), stores.newGate()];
    gate.open(0, 1, 2);
    const run = await leaving.clientOf(token).runs.create(threadId, "gated", turn(6, { gate }));
    await gate.reached(3);
    await leaving.runner.stop();
    await leaving.runner.idle();
    await leaving.close();
    gate.open();
    await one.runner.sweep();
    const values = (await client.runs.join(threadId, run.run_id)) as unknown as GatedValues;
    expect(contents(values)).toEqual(said(6));
    expect([0, 1, 2, 3, 4, 5].map((step) => gate.visits(step))).toEqual([1, 1, 1, 2, 1, 1]);
  });

  it("goes on where it was when its process is frozen, whose late writes are refused", async () => {
    const frozen = await stores.start();
    const [threadId, gate] = [await newThread(), stores.newGate()];
    gate.open(0, 1, 2);
    const run = await frozen.clientOf(token).runs.create(threadId, "gated", turn(6, { gate }));
    const late = await gate.reached(3);
    await expect.poll(async () => (await client.threads.getState(threadId)).values.taken).toBe(3);
    const execution = frozen.runner.live(run.run_id);
    // The process neither renews its lease nor hears that it is lost, and tells nobody anything; its clock goes on.
    frozen.deps.threads.renew = () => new Promise(() => {});
    frozen.deps.events.append = () => Promise.reject(new Error("cut off"));
    await one.runner.sweep();
    expect(one.runner.live(run.run_id)).toBe(undefined);

    stores.clock.move(defaultLeasePolicy.leaseMs);
    await one.runner.sweep();
    (await gate.reached(3, 2)).pass();
    gate.open(4, 5);
    const taken = (await client.runs.join(threadId, run.run_id)) as unknown as GatedValues;
    expect(contents(taken)).toEqual(said(6));
    expect(await client.runs.get(threadId, run.run_id)).toMatchObject({ status: "success" });

    expect([0, 1, 2, 3, 4, 5].map((step) => gate.visits(step))).toEqual([1, 1, 1, 2, 1, 1]);

    const history = await client.threads.getHistory(threadId, { limit: 100 });
    late.pass();
    await execution?.done;
    expect(await client.threads.getHistory(threadId, { limit: 100 })).toEqual(history);
    expect(await client.runs.get(threadId, run.run_id)).toMatchObject({ status: "success" });
    await frozen.close();
  });
});
