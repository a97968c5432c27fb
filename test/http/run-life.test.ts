/** Runs from beginning to end, whatever happens to their processes and to one another. */
import { afterAll, describe, expect, it } from "vitest";
import { LEASE, type SlowValues, startPair, turn } from "../engines/api-processes.ts";

const contents = (values: SlowValues) => values.messages.map(({ content }) => content);

const { stores, one, token, client, elsewhere, newThread, close } = await startPair();
afterAll(close);

describe("a run", () => {
  it("reports what its graph throws, and leaves the thread in error", async () => {
    const threadId = await newThread();
    const bad = client.runs.wait(threadId, "slow", { ...turn(3, 1), config: { recursion_limit: 2 } });
    await expect(bad).rejects.toThrow(/GraphRecursionError/);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "error" });
    expect((await client.runs.list(threadId))[0]).toMatchObject({ status: "error" });
    const answer = await client.runs.wait(threadId, "slow", {
      ...turn(3, 1),
      config: { recursion_limit: 2 },
      raiseError: false,
    });
    expect(answer).toMatchObject({ __error__: { error: "GraphRecursionError" } });
  });

  it("refuses a second one on its thread, or lets it wait, interrupt or roll back the first", {
    timeout: 60_000,
  }, async () => {
    const begin = async (multitaskStrategy: "reject" | "enqueue" | "interrupt" | "rollback") => {
      const threadId = await newThread();
      await client.runs.wait(threadId, "slow", turn(1, 1, "before"));
      const first = await client.runs.create(threadId, "slow", turn(8, 150, "first"));
      await new Promise((resolve) => setTimeout(resolve, 400));
      const second = client.runs.create(threadId, "slow", { ...turn(1, 1, "second"), multitaskStrategy });
      return { threadId, first: first.run_id, second };
    };
    const rejected = await begin("reject");
    await expect(rejected.second).rejects.toMatchObject({ status: 422 });

    const enqueued = await begin("enqueue");
    await client.runs.join(enqueued.threadId, (await enqueued.second).run_id);
    const line = contents((await client.threads.getState(enqueued.threadId)).values);
    expect(line).toEqual([
      "before",
      "step 0",
      "first",
      ...Array.from({ length: 8 }, (_, i) => `step ${i}`),
      "second",
      "step 0",
    ]);

    const interrupted = await begin("interrupt");
    await client.runs.join(interrupted.threadId, (await interrupted.second).run_id);
    expect(await client.runs.get(interrupted.threadId, interrupted.first)).toMatchObject({ status: "interrupted" });
    const kept = contents((await client.threads.getState(interrupted.threadId)).values);
    expect([kept.slice(0, 3), kept.slice(-2)]).toEqual([
      ["before", "step 0", "first"],
      ["second", "step 0"],
    ]);
    expect(kept.length).toBeLessThan(line.length);

    const rolledBack = await begin("rollback");
    await client.runs.join(rolledBack.threadId, (await rolledBack.second).run_id);
    await expect(client.runs.get(rolledBack.threadId, rolledBack.first)).rejects.toMatchObject({ status: 404 });
    expect(contents((await client.threads.getState(rolledBack.threadId)).values)).toEqual([
      "before",
      "step 0",
      "second",
      "step 0",
    ]);
  });

  it("is cancelled at once, from wherever it is asked, and leaves the thread idle", { timeout: 60_000 }, async () => {
    for (const asker of [client, elsewhere]) {
      const threadId = await newThread();
      const run = await client.runs.create(threadId, "slow", turn(50, 100));
      await new Promise((resolve) => setTimeout(resolve, 300));
      await expect(client.threads.updateState(threadId, { values: { taken: 7 } })).rejects.toMatchObject({
        status: 409,
      });
      const asked = performance.now();
      await asker.runs.cancel(threadId, run.run_id, true);
      expect(performance.now() - asked).toBeLessThan(LEASE.heartbeatMs + 1000);
      expect(await client.runs.get(threadId, run.run_id)).toMatchObject({ status: "interrupted" });
      expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
      const values = (await client.runs.wait(threadId, "slow", turn(1, 1, "after"))) as unknown as SlowValues;
      expect(contents(values).slice(-2)).toEqual(["after", "step 0"]);
    }
  });

  it("is begun once for one Idempotency-Key", async () => {
    const threadId = await newThread();
    const begin = () =>
      one.request("POST", `/threads/${threadId}/runs`, {
        headers: { "x-api-key": token, "Idempotency-Key": "the-same" },
        body: { assistant_id: "slow", multitask_strategy: "enqueue", ...turn(2, 50) },
      });
    const answers = await Promise.all([begin(), begin(), begin()]);
    const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as { run_id: string }).run_id));
    expect(new Set(ids).size).toBe(1);
    await client.runs.join(threadId, ids[0] ?? "");
    expect(((await (await begin()).json()) as { run_id: string }).run_id).toBe(ids[0]);
    expect(contents((await client.threads.getState(threadId)).values)).toEqual(["go", "step 0", "step 1"]);
    expect(await client.runs.list(threadId)).toHaveLength(1);
  });

  it("waits as long as it is told to, and can be cancelled before", async () => {
    const threadId = await newThread();
    const [soon, never] = [
      await client.runs.create(threadId, "slow", { ...turn(1, 1), afterSeconds: 1 }),
      await client.runs.create(threadId, "slow", { ...turn(1, 1), afterSeconds: 600, multitaskStrategy: "enqueue" }),
    ];
    expect((await client.runs.list(threadId)).map(({ status }) => status)).toEqual(["pending", "pending"]);
    await client.runs.join(threadId, soon.run_id);
    await client.runs.cancel(threadId, never.run_id);
    expect((await client.runs.list(threadId)).map(({ status }) => status).sort()).toEqual(["interrupted", "success"]);
    expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
  });

  it("without a thread leaves nothing, or its thread if that is to be kept", async () => {
    let runCreated: { run_id: string; thread_id?: string } | undefined;
    const values = (await client.runs.wait(null, "slow", {
      ...turn(1, 1),
      onRunCreated: (created) => {
        runCreated = created;
      },
    })) as unknown as SlowValues;
    expect([contents(values), typeof runCreated?.run_id]).toEqual([["go", "step 0"], "string"]);
    const seen = [];
    for await (const { event } of client.runs.stream(null, "slow", { ...turn(1, 1), streamMode: "updates" }))
      seen.push(event);
    expect(seen).toEqual(["metadata", "updates", "updates"]);
    await expect
      .poll(async () =>
        (await client.threads.search({ metadata: { graph_id: "slow" }, limit: 100 })).filter(
          ({ values }) => contents(values)[0] === "gone",
        ),
      )
      .toEqual([]);
    const before = await client.threads.count();
    await client.runs.wait(null, "slow", turn(1, 1));
    expect(await client.threads.count()).toBe(before);
    await client.runs.wait(null, "slow", { ...turn(1, 1), onCompletion: "keep" } as never);
    expect(await client.threads.count()).toBe(before + 1);
  });

  it("goes on where it was when its process stops, and when that is frozen, whose late writes are refused", {
    timeout: 60_000,
  }, async () => {
    const leaving = await stores.start();
    const threadId = await newThread();
    const stopped = await leaving.clientOf(token).runs.create(threadId, "slow", turn(8, 100));
    await new Promise((resolve) => setTimeout(resolve, 450));
    await leaving.close();
    const values = (await client.runs.join(threadId, stopped.run_id)) as unknown as SlowValues;
    expect(contents(values)).toEqual(["go", ...Array.from({ length: 8 }, (_, i) => `step ${i}`)]);

    const frozen = await stores.start();
    const other = await newThread();
    const run = await frozen.clientOf(token).runs.create(other, "slow", turn(8, 300));
    await new Promise((resolve) => setTimeout(resolve, 700));
    // It neither renews its lease nor hears that it is lost; its clock goes on.
    frozen.deps.threads.renew = () => new Promise(() => {});
    const taken = (await client.runs.join(other, run.run_id)) as unknown as SlowValues;
    expect(contents(taken)).toEqual(["go", ...Array.from({ length: 8 }, (_, i) => `step ${i}`)]);
    expect(await client.runs.get(other, run.run_id)).toMatchObject({ status: "success" });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(contents((await client.threads.getState(other)).values)).toEqual(contents(taken));
    await frozen.close();
  });
});
