/** A thread's line of runs and its lease: the port's contract, over every DynamoDB. */
import { randomUUID } from "node:crypto";
import { Table } from "@tenure/core/dynamo";
import { type Begun, createThreadStore, defaultLeasePolicy, type Lease, type NewRun } from "@tenure/core/thread";
import { describe, expect, it } from "vitest";
import { dynamoEngines } from "../support/stores/dynamo.ts";
import { begun, inLine, useThreads } from "./use-threads.ts";

describe.each(dynamoEngines)("on $name", (engine) => {
  const { time, clock, stores, table, newThread, runOn } = useThreads(engine);

  it("gives a thread to one of many at a time, in the order in which they came, and raises the fence", async () => {
    const { threads } = stores();
    const id = await newThread();
    const runs = [runOn(id), runOn(id), runOn(id)];
    for (const run of runs) expect(await threads.admit(run, inLine)).toBe("admitted");
    expect(await threads.get(id, "ada")).toMatchObject({
      status: "busy",
      metadata: { topic: "x", graph_id: "agent" },
      inflight: runs.map((run) => run.id),
    });
    for (const [i, run] of runs.entries()) {
      const taken = await Promise.all(Array.from({ length: 6 }, (_, n) => threads.begin(id, `holder-${n}`)));
      const held = taken.filter((one): one is Begun => one !== undefined && "lease" in one);
      expect(held).toHaveLength(1);
      expect(held[0]).toMatchObject({
        lease: { fence: i + 1 },
        run: { id: run.id, attempt: 1, request: { input: run.id } },
      });
      expect(await threads.settle((held[0] as Begun).lease, { status: "success", thread: "interrupted" })).toBe(
        i < 2 ? "next" : "done",
      );
      expect(await threads.run(id, run.id)).toMatchObject({ status: "success" });
    }
    expect(await threads.begin(id, "late")).toBe(undefined);
    expect(await threads.get(id, "ada")).toMatchObject({ status: "interrupted", inflight: [] });
  });

  it("admits a run alone only where nobody is, and keeps nothing of it elsewhere", async () => {
    const { threads } = stores();
    const id = await newThread();
    const runs = Array.from({ length: 6 }, () => runOn(id));
    const admitted = await Promise.all(runs.map((run) => threads.admit(run, { ...inLine, alone: true })));
    expect(admitted.toSorted()).toEqual(["admitted", ...Array(5).fill("busy")]);
    const kept = await Promise.all(runs.map((run) => threads.run(id, run.id)));
    expect(kept.filter(Boolean)).toHaveLength(1);
    expect(await threads.admit(runOn(id, randomUUID(), { owner: "eve" }), inLine)).toBe("not-found");
    const own = runs[admitted.indexOf("admitted")] as NewRun;
    expect(await threads.admit(own, { ...inLine, alone: true })).toBe("admitted");
    expect((await threads.get(id, "ada"))?.inflight).toEqual([own.id]);
  });

  it("begins a run as it admits it where nobody is in the line, and only there", async () => {
    const { threads } = stores();
    const id = await newThread();
    const runs = Array.from({ length: 6 }, (_, n) => runOn(id, randomUUID(), { request: { n, left: undefined } }));
    const admitted = await Promise.all(
      runs.map((run, n) => threads.admit(run, { ...inLine, alone: n % 2 === 0, holder: `holder-${n}` })),
    );
    const held = admitted.filter((one): one is Begun => typeof one === "object");
    expect(held).toHaveLength(1);
    const [{ lease, run }] = held as [Begun];
    expect(lease).toMatchObject({ fence: 1, holder: `holder-${run.request.n}` });
    // The run reads the same for who began it and for anybody else.
    expect(await threads.run(id, run.id)).toEqual({ ...run, updatedAt: expect.any(Number) });
    expect(run).toMatchObject({ status: "running", attempt: 1, yields: 0 });
    const { inflight = [], metadata } = (await threads.get(id, "ada")) ?? {};
    expect(metadata).toEqual({ topic: "x", graph_id: "agent" });
    expect(inflight[0]).toBe(run.id);
    // The others wait, as if they had never tried.
    for (const other of inflight.slice(1)) expect(await threads.run(id, other)).toMatchObject({ status: "pending" });
    expect(await threads.admit(runs[Number(run.request.n)] as NewRun, { ...inLine, holder: "late" })).toBe("admitted");
    expect(await threads.begin(id, "late")).toHaveProperty("retryAt");
    const left = inflight.length > 1 ? "next" : "done";
    expect(await threads.settle(lease, { status: "success", thread: "idle" })).toBe(left);
    for (const _ of inflight.slice(1)) {
      const next = await begun(threads, id, "next");
      expect(next.run).toMatchObject({ attempt: 1 });
      await threads.settle(next.lease, { status: "success", thread: "idle" });
    }
    const later = runOn(id, randomUUID(), { startAt: time.now + 1000 });
    expect(await threads.admit(later, { ...inLine, holder: "early" })).toBe("admitted");
  });

  it("admits a run whose admission was cut short, by whoever asks again", async () => {
    const { threads } = stores();
    const { client, tableName } = table();
    const id = await newThread();
    const run = runOn(id);
    /** Loses everything after the run's own item. */
    const cut = new Table({ client, tableName, clock });
    cut.update = () => Promise.reject(new Error("cut"));
    const dying = createThreadStore(cut, clock, defaultLeasePolicy);
    await expect(dying.admit(run, { ...inLine, holder: "dying" })).rejects.toThrow("cut");
    expect(await threads.run(id, run.id)).toMatchObject({ status: "pending" });
    expect(await threads.begin(id, "anybody")).toBeUndefined();
    /** Somebody changes the thread in between of the first try. */
    const disturbed = new Table({ client, tableName, clock });
    disturbed.update = async (...asked) => {
      disturbed.update = Table.prototype.update;
      await threads.change(id, "ada", { metadata: { disturbed: true } });
      return disturbed.update(...asked);
    };
    const again = createThreadStore(disturbed, clock, defaultLeasePolicy);
    expect(await again.admit(run, { ...inLine, alone: true, holder: "again" })).toBe("admitted");
    expect((await threads.get(id, "ada"))?.metadata).toMatchObject({ disturbed: true, graph_id: "agent" });
    const { lease } = await begun(threads, id, "again");
    expect(lease).toMatchObject({ runId: run.id, fence: 1 });
    expect(await threads.settle(lease, { status: "success", thread: "idle" })).toBe("done");
    expect(await threads.admit(run, { ...inLine, holder: "again" })).toBe("admitted");
    expect(await threads.begin(id, "again")).toBeUndefined();
  });

  it("ends a run whose admission was cut short when nobody asks again, and no other", async () => {
    const { threads } = stores();
    const { client, tableName } = table();
    const id = await newThread();
    const cut = new Table({ client, tableName, clock });
    cut.update = () => Promise.reject(new Error("cut"));
    const dying = createThreadStore(cut, clock, defaultLeasePolicy);
    const [stray, waiting, orphan] = [runOn(id), runOn(id), runOn(randomUUID())];
    await expect(dying.admit(stray, inLine)).rejects.toThrow("cut");
    await threads.admit(waiting, inLine);
    for (const { threadId, id } of [stray, waiting, orphan]) await threads.endStray(threadId, id);
    expect(await threads.run(id, stray.id)).toMatchObject({ status: "error", error: { error: "Error" } });
    expect(await threads.run(id, waiting.id)).toMatchObject({ status: "pending" });
    const unfinished: string[] = [];
    for await (const { runId } of threads.unfinished()) unfinished.push(runId);
    expect(unfinished).not.toContain(stray.id);
    expect(unfinished).toContain(waiting.id);
    // The admission that comes late after all finds nothing to do.
    expect(await threads.admit(stray, inLine)).toBe("admitted");
  });

  it("lets a lease lapse when it is not renewed, gives the run to another, and refuses its former holder", async () => {
    const { threads } = stores();
    const id = await newThread();
    const [first, next] = [runOn(id), runOn(id)];
    for (const run of [first, next]) await threads.admit(run, inLine);
    const lost = await begun(threads, id, "frozen");
    const { leaseMs } = defaultLeasePolicy;
    expect(await threads.begin(id, "early")).toEqual({ retryAt: time.now + leaseMs });
    time.now += leaseMs - 1;
    expect(await threads.begin(id, "early")).toEqual({ retryAt: time.now + 1 });
    const renewed = await threads.renew(lost.lease);
    expect(renewed?.lease.expiresAt).toBe(time.now + leaseMs);
    time.now += 1;
    expect(await threads.begin(id, "early")).toEqual({ retryAt: time.now + leaseMs });
    time.now += leaseMs;
    // The holder's own process judges by the same time, and does not renew a lease that has lapsed.
    expect(await threads.renew((renewed as { lease: Lease }).lease)).toBe(undefined);
    const over = await begun(threads, id, "successor");
    expect(over).toMatchObject({ lease: { fence: lost.lease.fence + 1 }, run: { id: first.id, attempt: 2 } });
    expect(await threads.renew(lost.lease)).toBe(undefined);
    expect(await threads.settle(lost.lease, { status: "success", thread: "idle" })).toBe("lost");
    expect((await threads.run(id, first.id))?.status).toBe("running");
    expect(
      await threads.settle(over.lease, { status: "error", thread: "error", error: { error: "E", message: "m" } }),
    ).toBe("next");
    expect(await threads.settle(over.lease, { status: "error", thread: "error" })).toBe("lost");
    expect(await threads.run(id, first.id)).toMatchObject({ status: "error", error: { error: "E", message: "m" } });
    expect((await begun(threads, id, "successor")).run.id).toBe(next.id);
  });

  it("gives a run that was given back to the next one who asks, before those behind it", async () => {
    const { threads } = stores();
    const id = await newThread();
    const [first, next] = [runOn(id), runOn(id)];
    for (const run of [first, next]) await threads.admit(run, inLine);
    const stopping = await begun(threads, id, "stopping");
    for (let repeated = 0; repeated < 2; repeated++) await threads.release(stopping.lease);
    expect(await threads.run(id, stopping.run.id)).toMatchObject({ status: "running", attempt: 1, yields: 1 });
    expect((await begun(threads, id, "other")).run).toMatchObject({ id: first.id, attempt: 2 });
  });

  it("begins a run no sooner than it is due, and those that are due before those that are not", async () => {
    const { threads } = stores();
    const id = await newThread();
    const later = runOn(id, randomUUID(), { startAt: time.now + 60_000 });
    await threads.admit(later, inLine);
    expect(await threads.begin(id, "holder")).toEqual({ retryAt: time.now + 60_000 });
    const due = runOn(id);
    await threads.admit(due, inLine);
    const { lease, run } = await begun(threads, id, "holder");
    expect(run.id).toBe(due.id);
    await threads.settle(lease, { status: "success", thread: "idle" });
    time.now += 60_000;
    expect((await begun(threads, id, "holder")).run.id).toBe(later.id);
  });

  it("ends a run that waits at once, and tells the holder of one that is under way", async () => {
    const { threads } = stores();
    const id = await newThread();
    const [first, second, third] = [runOn(id), runOn(id), runOn(id)];
    for (const run of [first, second, third]) await threads.admit(run, inLine);
    const { lease } = await begun(threads, id, "holder");
    expect(await threads.cancel(id, second.id, "interrupt")).toBe("ended");
    expect(await threads.cancel(id, third.id, "rollback")).toBe("ended");
    expect(await threads.cancel(id, first.id, "interrupt")).toBe("asked");
    expect(await threads.cancel(id, randomUUID(), "interrupt")).toBe("not-found");
    expect((await threads.run(id, second.id))?.status).toBe("interrupted");
    expect(await threads.run(id, third.id)).toBe(undefined);
    expect((await threads.renew(lease))?.cancel).toBe("interrupt");
    expect((await threads.get(id, "ada"))?.inflight).toEqual([first.id]);
    await threads.settle(lease, { status: "interrupted", thread: "idle", forget: true });
    expect(await threads.run(id, first.id)).toBe(undefined);
    expect(await threads.get(id, "ada")).toMatchObject({ status: "idle", inflight: [] });
  });
});
