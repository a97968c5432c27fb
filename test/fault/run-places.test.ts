/** A process has so many places for runs: one that is not taken after all, whatever the reason, is the next one's. */

import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { TenureError } from "@tenure/core/errors";
import type { ThreadStore } from "@tenure/core/thread";
import { newId } from "@tenure/core/token";
import { Runner } from "@tenure/functions/runs/runner";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import { EmbeddedRedis } from "@tenure/local/redis/embedded";
import { expect, it } from "vitest";
import { openApi } from "../engines/api.ts";
import { credentials } from "../engines/dynamo.ts";
import { type Gate, startGates } from "../engines/gate.ts";
import { gated, turn } from "../engines/gated-graph.ts";
import { behindGateway } from "../engines/redis.ts";

it("is taken by a run that waits when the store fails, and when there was nothing to do", async () => {
  const redis = await behindGateway(new EmbeddedRedis());
  const local = await startLocalDynamo();
  const dynamo = { endpoint: local.url, region: "local", credentials };
  const admin = connectDynamo(dynamo);
  await ensureTable(admin, "tenure");
  admin.destroy();
  const { deps, close } = await openApi({ redis, dynamo, graphs: { gated } });
  const gates = await startGates();
  const owner = "ada";
  const failing = new Set<string>();
  const threads: ThreadStore = {
    ...deps.threads,
    begin: async (threadId, holder) => {
      if (failing.delete(threadId))
        throw new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: "not-applied" });
      return deps.threads.begin(threadId, holder);
    },
  };
  const runner = new Runner({ ...deps, threads }, { maxActive: 1 });
  const place = async (gate?: Gate): Promise<{ threadId: string; id: string }> => {
    const threadId = crypto.randomUUID();
    await threads.create({ id: threadId, owner, metadata: {} });
    const id = newId("run");
    const now = Date.now();
    const run = { id, threadId, owner, assistantId: "gated", graphId: "gated", metadata: {}, multitask: "reject" };
    const request = { assistant_id: "gated", ...turn(1, gate && { gate }) };
    expect(await runner.submit({ ...run, request, createdAt: now, startAt: now }, {})).toBe("admitted");
    return { threadId, id };
  };
  const gate = gates.add();
  const [first, failed, last] = [await place(gate), await place(), await place()];
  const idle = crypto.randomUUID();
  await threads.create({ id: idle, owner, metadata: {} });

  for (const threadId of [first.threadId, failed.threadId, idle, last.threadId]) await runner.kick(threadId);
  expect([failed.threadId, idle, last.threadId].map((id) => runner.isWaiting(id))).toEqual([true, true, true]);
  await gate.reached(0);
  failing.add(failed.threadId);
  gate.open();
  const statusOf = async ({ threadId, id }: typeof first) => (await threads.run(threadId, id))?.status;
  await expect.poll(() => statusOf(last)).toBe("success");
  expect([await statusOf(first), await statusOf(failed)]).toEqual(["success", "pending"]);
  // Whoever looks after it begins it again.
  await runner.sweep();
  await expect.poll(() => statusOf(failed)).toBe("success");

  await runner.stop();
  await close();
  await gates.close();
  await redis.close();
  await local.close();
});
