/** Threads and users: their ports' contracts, over every DynamoDB. */
import { randomBytes, randomUUID } from "node:crypto";
import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { type Begun, defaultLeasePolicy, type Lease, type ThreadStore } from "@tenure/core/thread";
import { describe, expect, it } from "vitest";
import { dynamoEngines } from "../support/stores/dynamo.ts";
import { begun, inLine, useThreads } from "./use-threads.ts";

describe.each(dynamoEngines)("on $name", (engine) => {
  const { time, stores, table, newThread, runOn } = useThreads(engine);

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
    const { client, tableName } = table();
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
    expect(closed).toEqual([{ id, owner: "ada", closedAt: time.now }]);
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

    const delayed = { ...runOn(randomUUID()), owner, startAt: time.now + 1000 };
    expect(await threads.admitNew(delayed, { ...made, holder: "holder" })).toBe("admitted");
    expect(await threads.begin(delayed.threadId, "other")).toEqual({ retryAt: time.now + 1000 });

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
      time.now += 10;
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
      const waiting = runOn(id, randomUUID(), { startAt: time.now + 60_000 });
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
    expect(await threads.begin(id, "runner")).toEqual({ retryAt: time.now + defaultLeasePolicy.leaseMs });
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
