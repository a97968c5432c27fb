/** A process has so many places for runs: no user has them all, and one that is not taken after all is the next one's. */

import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { TenureError } from "@tenure/core/errors";
import type { ThreadStore } from "@tenure/core/thread";
import { newId } from "@tenure/core/token";
import { Runner, type RunnerOptions } from "@tenure/functions/runs/runner";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { afterEach, expect, it } from "vitest";
import { openApi } from "../support/service/api.ts";
import { type Gate, startGates } from "../support/service/gate.ts";
import { gated, turn } from "../support/service/gated-graph.ts";
import { credentials } from "../support/stores/dynamo.ts";
import { behindGateway } from "../support/stores/redis.ts";

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** A runner with so many places, whose store fails to begin runs of the threads in `failing`, once for each. */
async function processOf(maxActive: number, workQueue?: RunnerOptions["queue"]) {
  const redis = await behindGateway(new EmbeddedRedis());
  opened.push(() => redis.close());
  const local = await startLocalDynamo();
  opened.push(() => local.close());
  const dynamo = { endpoint: local.url, region: "local", credentials };
  const admin = connectDynamo(dynamo);
  await ensureTable(admin, "tenure");
  admin.destroy();
  const { deps, close } = await openApi({ redis, dynamo, graphs: { gated } });
  opened.push(close);
  const gates = await startGates();
  opened.push(() => gates.close());
  const failing = new Set<string>();
  const threads: ThreadStore = {
    ...deps.threads,
    begin: async (threadId, holder) => {
      if (failing.delete(threadId))
        throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "not-applied" });
      return deps.threads.begin(threadId, holder);
    },
  };
  const runner = new Runner({ ...deps, threads }, { maxActive, ...(workQueue && { queue: workQueue }) });
  opened.push(() => runner.stop());
  return {
    ...{ runner, threads, gates, failing },
    /** A run of a user's that is in the line of a thread of its own. */
    async place(
      owner: string,
      gate?: Gate,
      threadId: string = crypto.randomUUID(),
    ): Promise<{ threadId: string; id: string }> {
      await threads.create({ id: threadId, owner, metadata: {} });
      const id = newId("run");
      const now = Date.now();
      const run = { id, threadId, owner, assistantId: "gated", graphId: "gated", metadata: {}, multitask: "enqueue" };
      const request = { assistant_id: "gated", ...turn(1, gate && { gate }) };
      expect(await runner.submit({ ...run, request, createdAt: now, startAt: now }, {})).toBe("admitted");
      return { threadId, id };
    },
    statusOf: async ({ threadId, id }: { threadId: string; id: string }) => (await threads.run(threadId, id))?.status,
  };
}

it("is taken by a run that waits when the store fails, and when there was nothing to do", async () => {
  const { runner, threads, gates, failing, place, statusOf } = await processOf(1);
  const owner = "ada";
  const gate = gates.add();
  const [first, failed, last] = [await place(owner, gate), await place(owner), await place(owner)];
  const idle = crypto.randomUUID();
  await threads.create({ id: idle, owner, metadata: {} });

  for (const threadId of [first.threadId, failed.threadId, idle, last.threadId]) await runner.kick(threadId, owner);
  expect([failed.threadId, idle, last.threadId].map((id) => runner.isWaiting(id))).toEqual([true, true, true]);
  await gate.reached(0);
  failing.add(failed.threadId);
  gate.open();
  await expect.poll(() => statusOf(last)).toBe("success");
  expect([await statusOf(first), await statusOf(failed)]).toEqual(["success", "pending"]);
  // A run that the store failed to begin is the next sweep's.
  await runner.sweep();
  await expect.poll(() => statusOf(failed)).toBe("success");
});

it("is free for another user beside one with a hundred runs that wait", async () => {
  const { runner, gates, place, statusOf } = await processOf(10);
  const gate = gates.add();
  const many: { threadId: string; id: string }[] = [];
  for (let run = 0; run < 100; run++) many.push(await place("ada", gate));
  for (const { threadId } of many) await runner.kick(threadId, "ada");
  const begun = () => many.filter(({ id }) => runner.live(id)).length;
  expect(begun()).toBe(8);
  // No run of hers ends meanwhile.
  for (const user of ["bob", "cleo"]) {
    const theirs = await place(user);
    await runner.kick(theirs.threadId, user);
    await expect.poll(() => statusOf(theirs)).toBe("success");
  }
  expect(begun()).toBe(8);
});

it("is given to the user who has the fewest when all are taken", async () => {
  const { runner, gates, place, statusOf } = await processOf(3);
  const gate = gates.add();
  const rest = gates.add();
  const first = await place("ada", gate);
  await runner.kick(first.threadId, "ada");
  for (const user of ["ada", "bob"]) {
    const { threadId } = await place(user, rest);
    await runner.kick(threadId, user);
  }
  const waiting = [];
  for (let run = 0; run < 5; run++) waiting.push(await place("ada", rest));
  for (const { threadId } of waiting) await runner.kick(threadId, "ada");
  const third = await place("cleo");
  await runner.kick(third.threadId, "cleo");
  expect(runner.isWaiting(third.threadId)).toBe(true);
  gate.open();
  await expect.poll(() => statusOf(third)).toBe("success");
  expect(await statusOf(waiting[0] as (typeof waiting)[0])).toMatch(/pending|running/);
});

it("is counted for its user, too, where another run of the thread was cancelled", async () => {
  const { runner, gates, place } = await processOf(10);
  const gate = gates.add();
  const runs = [];
  for (let n = 0; n < 12; n++) {
    const run = await place("ada", gate);
    runs.push(run);
    const second = await place("ada", gate, run.threadId);
    await runner.cancel(run.threadId, second.id, "interrupt", { owner: "ada" });
  }
  expect(runs.filter(({ id }) => runner.live(id))).toHaveLength(8);
});

it("is given up before the process may be frozen: the queue has heard of all that waited", async () => {
  const sent: string[] = [];
  const send = async (threadId: string) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    sent.push(threadId);
  };
  const { runner, gates, place } = await processOf(1, { send, sendFound: send });
  const gate = gates.add();
  const first = await place("ada", gate);
  await runner.kick(first.threadId, "ada");
  await gate.reached(0);
  const waiting = await place("bob");
  await runner.kick(waiting.threadId, "bob");
  expect(runner.isWaiting(waiting.threadId)).toBe(true);
  await runner.yieldAll();
  expect(sent.sort()).toEqual([first.threadId, waiting.threadId].sort());
  expect(runner.live(first.id)).toBeUndefined();
});
