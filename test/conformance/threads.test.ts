/** Threads, leases and users: their ports' contracts, over every DynamoDB. */
import { randomBytes, randomUUID } from "node:crypto";
import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { Table } from "@tenure/core/dynamo";
import {
  type Begun,
  createThreadStore,
  defaultLeasePolicy,
  type Lease,
  type NewRun,
  type ThreadStore,
} from "@tenure/core/thread";
import { createUserStore } from "@tenure/core/user";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

describe.each(dynamoEngines)("on $name", ({ open }) => {
  let table: TestTable;
  let now = 1_800_000_000_000;
  const clock = { now: () => now, elapsed: () => now };
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  const stores = () => {
    const { client, tableName } = table;
    const seen = new Table({ client, tableName, clock });
    return { threads: createThreadStore(seen, clock, defaultLeasePolicy), users: createUserStore(seen, clock) };
  };
  const newThread = async () => {
    const id = randomUUID();
    await stores().threads.create({ id, owner: "ada", metadata: { topic: "x" } });
    return id;
  };

  it("makes a thread once, and shows it to its owner only", async () => {
    const { threads } = stores();
    const id = randomUUID();
    const made = await Promise.all(["ada", "eve", "ada"].map((owner) => threads.create({ id, owner, metadata: {} })));
    const [created, ...others] = made.filter(Boolean);
    expect(others).toEqual([]);
    const owner = created ? created.owner : "";
    expect(await threads.get(id, owner)).toEqual(created);
    expect(await threads.get(id, owner === "ada" ? "eve" : "ada")).toBeUndefined();
    expect(await threads.get(randomUUID(), "ada")).toBeUndefined();
  });

  const runOn = (threadId: string, id: string = randomUUID(), more: Partial<NewRun> = {}): NewRun => ({
    ...{ id, threadId, owner: "ada", assistantId: "assistant", graphId: "agent" },
    ...{ request: { input: id }, metadata: {}, multitask: "enqueue", createdAt: now, startAt: now },
    ...more,
  });
  const inLine = { alone: false, change: () => ({ metadata: { graph_id: "agent" } }) };
  const begun = async (threads: ThreadStore, threadId: string, holder: string) =>
    (await threads.begin(threadId, holder)) as Begun;

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
    // As it is when it is read: nothing of the run is known better by who began it.
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
    const later = runOn(id, randomUUID(), { startAt: now + 1000 });
    expect(await threads.admit(later, { ...inLine, holder: "early" })).toBe("admitted");
  });

  it("admits a run whose admission was cut short, by whoever asks again", async () => {
    const { threads } = stores();
    const { client, tableName } = table;
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
    const { client, tableName } = table;
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
    expect(await threads.begin(id, "early")).toEqual({ retryAt: now + leaseMs });
    now += leaseMs - 1;
    expect(await threads.begin(id, "early")).toEqual({ retryAt: now + 1 });
    const renewed = await threads.renew(lost.lease);
    expect(renewed?.lease.expiresAt).toBe(now + leaseMs);
    now += 1;
    expect(await threads.begin(id, "early")).toEqual({ retryAt: now + leaseMs });
    now += leaseMs;
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
    const later = runOn(id, randomUUID(), { startAt: now + 60_000 });
    await threads.admit(later, inLine);
    expect(await threads.begin(id, "holder")).toEqual({ retryAt: now + 60_000 });
    const due = runOn(id);
    await threads.admit(due, inLine);
    const { lease, run } = await begun(threads, id, "holder");
    expect(run.id).toBe(due.id);
    await threads.settle(lease, { status: "success", thread: "idle" });
    now += 60_000;
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

  it("knows the runs that have not ended, keeps requests of any size, and deletes all that is of a thread", async () => {
    const { threads } = stores();
    const id = await newThread();
    const large = runOn(id, randomUUID(), { request: { input: randomBytes(700_000).toString("base64") } });
    await threads.admit(large, inLine);
    const unfinished = async () => {
      const found = [];
      for await (const one of threads.unfinished()) if (one.threadId === id) found.push(one.runId);
      return found;
    };
    expect(await unfinished()).toEqual([large.id]);
    const { lease, run } = await begun(threads, id, "holder");
    expect(run.request).toEqual(large.request);
    await threads.settle(lease, { status: "success", thread: "idle" });
    expect(await unfinished()).toEqual([]);
    expect(await threads.close(id, "eve")).toBe(undefined);
    expect(await threads.close(id, "ada")).toBe("free");
    const erased: string[] = [];
    await threads.erase(id, "ada", async (runs) => void erased.push(...runs.map((one) => one.id)));
    expect(erased).toEqual([large.id]);
    expect(await threads.close(id, "ada")).toBe(undefined);
    expect(await threads.run(id, large.id)).toBe(undefined);
    expect(await inTable(id)).toEqual(marker(id));
  });

  /** A thread that was deleted leaves the marker by which the sweep looks once more. */
  const marker = (id: string) => [`thread#${id} deadline`];

  /** Keys of all items that name a text. */
  async function inTable(text: string): Promise<string[]> {
    const { client, tableName } = table;
    const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName, ConsistentRead: true }));
    return Items.filter((item) => JSON.stringify(item).includes(text)).map(({ pk, sk }) => `${pk} ${sk}`);
  }

  it("admits nothing to a closed thread, begins nothing there, and gives its id to nobody before it is erased", async () => {
    const { threads } = stores();
    const id = await newThread();
    const [held, waiting, late] = [runOn(id), runOn(id), runOn(id)];
    const { lease } = (await threads.admit(held, { ...inLine, holder: "holder" })) as Begun;
    await threads.admit(waiting, inLine);
    expect(await threads.close(id, "ada")).toBe("held");
    expect(await threads.close(id, "ada")).toBe("held");
    expect(await threads.get(id, "ada")).toBe(undefined);
    expect(await threads.change(id, "ada", { metadata: { a: 1 } })).toBe(undefined);
    expect(await threads.admit(late, inLine)).toBe("not-found");
    expect(await threads.admit(late, { ...inLine, holder: "other" })).toBe("not-found");
    expect(await threads.create({ id, owner: "eve", metadata: {} })).toBe(false);
    expect(await threads.holderOf(id)).toMatchObject({ runId: held.id, holder: "holder", fence: lease.fence });
    expect(await threads.settle(lease, { status: "interrupted", thread: "idle" })).toBe("next");
    expect(await threads.holderOf(id)).toBe(undefined);
    expect(await threads.begin(id, "other")).toBe(undefined);
    const closed = [];
    for await (const one of threads.closed()) if (one.id === id) closed.push(one);
    expect(closed).toEqual([{ id, owner: "ada", closedAt: now }]);
    await threads.erase(id, "ada");
    expect(await inTable(id)).toEqual(marker(id));
    const next = await threads.create({ id, owner: "eve", metadata: {} });
    expect((next || undefined)?.incarnation.id).not.toBe(lease.incarnation.id);
  });

  it("makes a thread for a run in two writes, lists it for a deletion, and closes it with the run", async () => {
    const { threads } = stores();
    const owner = `owner-${randomUUID()}`;
    const run = { ...runOn(randomUUID()), owner };
    const made = { temporary: true, metadata: { graph_id: "agent" }, config: {} };
    const { lease } = (await threads.admitNew(run, { ...made, holder: "holder" })) as Begun;
    expect(lease).toMatchObject({ runId: run.id, fence: 1 });
    expect(await threads.begin(run.threadId, "other")).toMatchObject({ retryAt: lease.expiresAt });
    const ids = [];
    for await (const id of threads.idsOf(owner)) ids.push(id);
    expect(ids).toEqual([run.threadId]);
    expect(await threads.settle(lease, { status: "success", thread: "idle", close: true })).toBe("done");
    expect(await threads.get(run.threadId, owner)).toBe(undefined);
    await threads.erase(run.threadId, owner);
    expect(await inTable(run.threadId)).toEqual(marker(run.threadId));

    const delayed = { ...runOn(randomUUID()), owner, startAt: now + 1000 };
    expect(await threads.admitNew(delayed, { ...made, holder: "holder" })).toBe("admitted");
    expect(await threads.begin(delayed.threadId, "other")).toEqual({ retryAt: now + 1000 });

    const tooLarge = { ...runOn(randomUUID()), owner, request: { input: randomBytes(400_000).toString("base64") } };
    const refused = threads.admitNew(tooLarge, { ...made, metadata: { a: "x".repeat(500_000) } });
    await expect(refused).rejects.toThrow();
    expect(await inTable(tooLarge.threadId)).toEqual([]);
  });

  it("lists an owner's threads, the newest first, and changes them without losing what others change", async () => {
    const { threads } = stores();
    const owner = `owner-${randomUUID()}`;
    const ids = [];
    for (let i = 0; i < 5; i++) {
      now += 10;
      const id = randomUUID();
      await threads.create({ id, owner, metadata: {}, temporary: i === 2 });
      if (i !== 2) ids.unshift(id);
    }
    const listed = [];
    for await (const { id } of threads.list(owner)) listed.push(id);
    expect(listed).toEqual(ids);
    const [id = ""] = ids;
    await Promise.all(Array.from({ length: 6 }, (_, i) => threads.change(id, owner, { metadata: { [`k${i}`]: i } })));
    expect((await threads.get(id, owner))?.metadata).toEqual({ k0: 0, k1: 1, k2: 2, k3: 3, k4: 4, k5: 5 });
    expect(await threads.change(id, "eve", { metadata: { stolen: true } })).toBe(undefined);
  });

  it("leaves the status of a thread as it was when a run in its line never begins", async () => {
    const { threads } = stores();
    const id = await newThread();
    await threads.admit(runOn(id), inLine);
    const { lease } = await begun(threads, id, "holder");
    await threads.settle(lease, { status: "success", thread: "interrupted" });
    const ends = [
      (run: string) => threads.cancel(id, run, "interrupt"),
      (run: string) => threads.cancel(id, run, "rollback"),
      (run: string) => threads.removeRun(id, run),
    ];
    for (const end of ends) {
      const waiting = runOn(id, randomUUID(), { startAt: now + 60_000 });
      await threads.admit(waiting, inLine);
      expect(await threads.get(id, "ada")).toMatchObject({ status: "busy" });
      await end(waiting.id);
      expect(await threads.get(id, "ada")).toMatchObject({ status: "interrupted", inflight: [] });
    }
  });

  it("holds a thread for a change that no run makes: one at a time, beside no run, and a deletion sees it", async () => {
    const { threads } = stores();
    const id = await newThread();
    expect(await threads.hold(id, "eve", "one")).toBe(undefined);
    const held = await Promise.all(["one", "two", "three"].map((holder) => threads.hold(id, "ada", holder)));
    const leases = held.filter((one) => typeof one === "object");
    expect([leases.length, held.filter((one) => one === "busy").length]).toEqual([1, 2]);
    const [lease] = leases as [Lease];
    const run = runOn(id);
    expect(await threads.admit(run, { ...inLine, holder: "runner" })).toBe("admitted");
    expect(await threads.begin(id, "runner")).toEqual({ retryAt: now + defaultLeasePolicy.leaseMs });
    await threads.free(lease, { status: "interrupted" });
    const next = await begun(threads, id, "runner");
    expect(next.lease.fence).toBe(lease.fence + 1);
    expect(await threads.hold(id, "ada", "late")).toBe("busy");
    await threads.free(lease, { status: "error" });
    expect(await threads.settle(next.lease, { status: "success", thread: "idle" })).toBe("done");

    const last = (await threads.hold(id, "ada", "last")) as Lease;
    await threads.free(last, { status: "interrupted" });
    expect(await threads.get(id, "ada")).toMatchObject({ status: "interrupted" });
    await threads.hold(id, "ada", "dying");
    expect(await threads.close(id, "ada")).toBe("held");
    expect(await threads.holderOf(id)).toMatchObject({ holder: "dying" });
    expect(await threads.holderOf(id)).not.toHaveProperty("runId");
  });

  it("has a projection of the values while it is of the state, and loses it with a state that nobody tells of", async () => {
    const { threads } = stores();
    const id = await newThread();
    const projection = { values: { topic: "x" }, isPart: true };
    const shown = async () => (await threads.get(id, "ada"))?.projection;
    const edit = async (state: Parameters<ThreadStore["free"]>[1]) =>
      threads.free((await threads.hold(id, "ada", "edit")) as Lease, state);
    await edit({ status: "idle", projection });
    expect(await shown()).toEqual(projection);
    await threads.change(id, "ada", { metadata: { more: true } });
    expect(await shown()).toEqual(projection);
    await edit({ status: "idle" });
    expect(await shown()).toBe(undefined);
    for (const outcome of [{ projection }, {}]) {
      await threads.admit(runOn(id), inLine);
      const { lease } = await begun(threads, id, "holder");
      await threads.settle(lease, { status: "success", thread: "idle", ...outcome });
      expect(await shown()).toEqual(outcome.projection);
    }
  });

  it("makes one user of an address, however many log in at once", async () => {
    const { users } = stores();
    const email = `${randomUUID()}@example.com`;
    const found = await Promise.all(Array.from({ length: 8 }, () => users.findOrCreate(email)));
    expect(new Set(found.map(({ id }) => id)).size).toBe(1);
    expect(await users.findOrCreate(email)).toEqual(found[0]);
    expect((await users.findOrCreate(`x${email}`)).id).not.toBe(found[0]?.id);
  });
});
