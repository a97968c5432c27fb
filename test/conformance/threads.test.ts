/** Threads, leases and users: their ports' contracts, over every DynamoDB. */
import { randomUUID } from "node:crypto";
import { Table } from "@tenure/core/dynamo";
import { createThreadStore, defaultLeasePolicy, type Lease } from "@tenure/core/thread";
import { createUserStore } from "@tenure/core/user";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../engines/dynamo.ts";

describe.each(dynamoEngines)("on $name", ({ open }) => {
  let table: TestTable;
  let now = 1_800_000_000_000;
  const clock = { now: () => now };
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

  it("gives a thread's lease to one of many, raises the fence, and adds the metadata", async () => {
    const { threads } = stores();
    const id = await newThread();
    const taken = await Promise.all(
      Array.from({ length: 8 }, (_, i) => threads.acquireLease(id, "ada", `run-${i}`, { graph_id: "agent" })),
    );
    const leases = taken.filter((lease): lease is Lease => typeof lease === "object");
    expect(leases).toHaveLength(1);
    expect(taken.filter((lease) => lease === "busy")).toHaveLength(7);
    expect(leases[0]).toMatchObject({ fence: 1, expiresAt: now + defaultLeasePolicy.leaseMs });
    expect(await threads.get(id, "ada")).toMatchObject({ status: "busy", metadata: { topic: "x", graph_id: "agent" } });
    expect(await threads.acquireLease(id, "eve", "run")).toBe("not-found");
    expect(await threads.releaseLease(leases[0] as Lease, "idle")).toBe(true);
    expect(await threads.get(id, "ada")).toMatchObject({ status: "idle" });
    expect(await threads.acquireLease(id, "ada", "next")).toMatchObject({ fence: 2 });
  });

  it("lets a lease lapse when it is not renewed, and refuses its former holder", async () => {
    const { threads } = stores();
    const id = await newThread();
    const first = (await threads.acquireLease(id, "ada", "first")) as Lease;
    now += defaultLeasePolicy.leaseMs - 1;
    expect(await threads.acquireLease(id, "ada", "early")).toBe("busy");
    const renewed = await threads.renewLease(first);
    expect(renewed?.expiresAt).toBe(now + defaultLeasePolicy.leaseMs);
    now += defaultLeasePolicy.leaseMs;
    expect(await threads.get(id, "ada")).toMatchObject({ status: "error" });
    const second = (await threads.acquireLease(id, "ada", "second")) as Lease;
    expect(second.fence).toBe(first.fence + 1);
    expect(await threads.renewLease(first)).toBeUndefined();
    expect(await threads.releaseLease(first, "idle")).toBe(false);
    expect(await threads.get(id, "ada")).toMatchObject({ status: "busy" });
    expect(await threads.releaseLease(second, "interrupted")).toBe(true);
    expect(await threads.get(id, "ada")).toMatchObject({ status: "interrupted" });
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
