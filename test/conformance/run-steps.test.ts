/** Steps of the run protocol that come between one another, are cut short, or whose answers are lost: over every DynamoDB. */
import { randomUUID } from "node:crypto";
import type { Clock } from "@tenure/core/clock";
import { type DynamoDBDocumentClient, Table } from "@tenure/core/dynamo";
import { type Begun, createThreadStore, defaultLeasePolicy, type NewRun, type ThreadStore } from "@tenure/core/thread";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamoEngines, type TestTable } from "../support/stores/dynamo.ts";

type Send = (command: {
  constructor: { name: string };
  input: { Key?: { sk: string }; Item?: { sk: string } };
}) => Promise<unknown>;

describe.each(dynamoEngines)("on $name", ({ open }) => {
  let table: TestTable;
  let moved = 0;
  const begun = Date.now();
  const clock = { now: () => begun + moved, elapsed: () => moved };
  beforeAll(async () => {
    table = await open();
  });
  afterAll(() => table.close());

  const tableBy = (clock: Clock, client: DynamoDBDocumentClient = table.client) =>
    new Table({ client, tableName: table.tableName, clock });
  /** A process, whose requests `through` may hold, lose or repeat. */
  const processOf = (through: (send: Send) => Send = (send) => send): ThreadStore => {
    const { client } = table;
    const send = through(((command: never) => client.send(command)) as Send);
    const hooked = new Proxy(client, { get: (target, name) => (name === "send" ? send : Reflect.get(target, name)) });
    return createThreadStore(tableBy(clock, hooked), clock, defaultLeasePolicy);
  };
  const runOn = (threadId: string, more: Partial<NewRun> = {}): NewRun => ({
    ...{ id: randomUUID(), threadId, owner: "ada", assistantId: "assistant", graphId: "agent" },
    ...{ request: {}, metadata: {}, multitask: "enqueue", createdAt: clock.now(), startAt: clock.now() },
    ...more,
  });
  async function newThread(): Promise<string> {
    const id = randomUUID();
    await processOf().create({ id, owner: "ada", metadata: {} });
    return id;
  }
  const ofThread = (command: Parameters<Send>[0]) =>
    command.constructor.name === "UpdateCommand" && command.input.Key?.sk === "thread";
  const settled = { status: "success", thread: "idle" } as const;
  const begin = async (threads: ThreadStore, threadId: string) => (await threads.begin(threadId, "holder")) as Begun;

  /** Each of a process' writes of the thread is answered so, from the `nth` on; its other requests are sent. */
  const dies = (when: "before" | "after", nth = 1) => {
    let died = () => {};
    const dead = new Promise<void>((resolve) => {
      died = resolve;
    });
    let count = 0;
    const threads = processOf((send) => async (command) => {
      if (!ofThread(command) || ++count < nth) return send(command);
      if (when === "after") await send(command);
      died();
      return new Promise(() => {});
    });
    return { threads, dead };
  };

  it("gives one lease to one of two requests of a process, also where one is sent again", async () => {
    const threadId = await newThread();
    let isFirst = true;
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    let asked = () => {};
    const reached = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const slow = processOf((send) => async (command) => {
      if (ofThread(command) && isFirst) {
        isFirst = false;
        asked();
        await gate;
        throw Object.assign(new Error("slow down"), {
          name: "ThrottlingException",
          $metadata: { httpStatusCode: 400 },
        });
      }
      return send(command);
    });
    const alone = { alone: true, holder: "process" };
    const second = slow.admit(runOn(threadId), alone);
    await reached;
    const first = await processOf().admit(runOn(threadId), alone);
    go();
    expect([typeof first, await second]).toEqual(["object", "busy"]);
  });

  it("repeats a write whose answer was lost, and knows its own", async () => {
    const threadId = await newThread();
    /** Each write is carried out twice: the first answer is lost, and the second write finds its condition broken. */
    const twice = processOf((send) => async (command) => {
      if (!ofThread(command)) return send(command);
      await send(command);
      return send(command).catch((error) => {
        throw Object.assign(error as Error, { $metadata: { attempts: 2 } });
      });
    });
    const run = runOn(threadId);
    const first = (await twice.admit(run, { alone: true, holder: "process" })) as Begun;
    expect(first.run).toMatchObject({ id: run.id, attempt: 1, status: "running" });
    await twice.release(first.lease);
    const again = (await twice.begin(threadId, "process")) as Begun;
    expect(again.run).toMatchObject({ id: run.id, attempt: 2, yields: 1 });
    expect(await twice.cancel(threadId, run.id, "interrupt")).toBe("asked");
    expect((await twice.renew(again.lease))?.cancel).toBe("interrupt");
    expect(await twice.settle(again.lease, settled)).toBe("done");
    expect(await twice.run(threadId, run.id)).toMatchObject({ status: "success", attempt: 2 });
  });

  it.each(["before", "after"] as const)(
    "frees a thread whose process died %s the write that ends its run",
    async (when) => {
      const threadId = await newThread();
      const { threads, dead } = dies(when, 2);
      const run = runOn(threadId);
      const { lease } = (await threads.admit(run, { alone: true, holder: "dying" })) as Begun;
      void threads.settle(lease, settled);
      await dead;
      const other = processOf();
      const unfinished = [];
      for await (const one of other.unfinished()) if (one.threadId === threadId) unfinished.push(one.runId);
      expect(unfinished).toEqual([run.id]);
      if (when === "after") expect(await other.run(threadId, run.id)).toMatchObject({ status: "success" });
      expect(await other.begin(threadId, "other")).toEqual(
        when === "after" ? undefined : { retryAt: expect.any(Number) },
      );
      moved += defaultLeasePolicy.leaseMs;
      if (when === "before") expect(await other.settle((await begin(other, threadId)).lease, settled)).toBe("done");
      for await (const one of other.unfinished()) expect(one.threadId).not.toBe(threadId);
      expect(await other.admit(runOn(threadId), { alone: true })).toBe("admitted");
    },
  );

  it.each(["before", "after"] as const)(
    "frees a thread whose process died %s it took a run out of the line",
    async (when) => {
      const threadId = await newThread();
      const run = runOn(threadId, { startAt: clock.now() + 60_000 });
      await processOf().admit(run, { alone: true });
      const { threads, dead } = dies(when);
      void threads.cancel(threadId, run.id, "interrupt");
      await dead;
      const other = processOf();
      expect(await other.cancel(threadId, run.id, "interrupt")).toBe("ended");
      expect(await other.run(threadId, run.id)).toMatchObject({ status: "interrupted" });
      expect(await other.admit(runOn(threadId), { alone: true })).toBe("admitted");
    },
  );

  it("ends those before a run in the write that admits it, and nobody when the run is repeated", async () => {
    const threads = processOf();
    const threadId = await newThread();
    const [under, waiting, newest] = [runOn(threadId), runOn(threadId), runOn(threadId)];
    const first = (await threads.admit(under, { alone: true, holder: "process" })) as Begun;
    await threads.admit(waiting, { alone: false });
    let asked: readonly string[] = [];
    const ending = {
      alone: false,
      ends: "interrupt",
      onAsked: (ids: readonly string[]) => {
        asked = ids;
      },
    } as const;
    expect(await threads.admit(newest, ending)).toBe("admitted");
    expect(asked).toEqual([under.id]);
    expect((await threads.get(threadId, "ada"))?.inflight).toEqual([under.id, newest.id]);
    expect(await threads.run(threadId, waiting.id)).toMatchObject({ status: "interrupted" });
    expect((await threads.renew(first.lease))?.cancel).toBe("interrupt");
    // A request that is repeated ends nobody, before its run has ended and after.
    expect(await threads.settle(first.lease, { status: "interrupted", thread: "idle" })).toBe("next");
    const next = await begin(threads, threadId);
    expect(await threads.admit(newest, ending)).toBe("admitted");
    await threads.settle(next.lease, settled);
    const last = (await threads.admit(runOn(threadId), { alone: true, holder: "process" })) as Begun;
    expect(await threads.admit(newest, ending)).toBe("admitted");
    expect((await threads.renew(last.lease))?.cancel).toBeUndefined();
    expect(await threads.run(threadId, newest.id)).toMatchObject({ status: "success" });
  });

  it("admits a run of which nothing is kept no second time", async () => {
    const threads = processOf();
    const threadId = await newThread();
    const [under, waiting, last] = [runOn(threadId), runOn(threadId), runOn(threadId)];
    const { lease } = (await threads.admit(under, { alone: true, holder: "process" })) as Begun;
    await threads.admit(waiting, { alone: false });
    expect(await threads.cancel(threadId, waiting.id, "rollback")).toBe("ended");
    await threads.settle(lease, { ...settled, forget: true });
    for (const gone of [under, waiting]) {
      expect(await threads.admit(gone, { alone: true, ends: "rollback", holder: "process" })).toBe("admitted");
      expect(await threads.run(threadId, gone.id)).toBeUndefined();
    }
    expect((await threads.get(threadId, "ada"))?.inflight).toEqual([]);
    expect(await threads.admit(last, { alone: true })).toBe("admitted");
  });

  it("takes back the record of a refused run only if no other request has admitted it meanwhile", async () => {
    const threadId = await newThread();
    const other = processOf();
    const busy = (await other.admit(runOn(threadId), { alone: true, holder: "other" })) as Begun;
    const run = runOn(threadId);
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    let asked = () => {};
    const reached = new Promise<void>((resolve) => {
      asked = resolve;
    });
    await other.settle(busy.lease, settled);
    let between = true;
    const racing = processOf((send) => async (command) => {
      if (ofThread(command) && between) {
        between = false;
        await other.admit(runOn(threadId), { alone: true, holder: "other" });
      }
      if (command.constructor.name === "DeleteCommand") {
        asked();
        await gate;
      }
      return send(command);
    });
    const refused = racing.admit(run, { alone: true });
    await reached;
    const holding = (await other.get(threadId, "ada"))?.inflight ?? [];
    expect(holding).toHaveLength(1);
    // The retry is to wait for its turn.
    expect(await other.admit(run, { alone: false })).toBe("admitted");
    go();
    expect(await refused).toBe("busy");
    expect(await other.run(threadId, run.id)).toMatchObject({ status: "pending" });
  });

  it("admits twenty at once, each in one place of the line", async () => {
    const threads = processOf();
    const threadId = await newThread();
    const runs = Array.from({ length: 20 }, () => runOn(threadId));
    const admitted = await Promise.all(runs.map((run) => threads.admit(run, { alone: false })));
    expect(new Set(admitted)).toEqual(new Set(["admitted"]));
    expect((await threads.get(threadId, "ada"))?.inflight.toSorted()).toEqual(runs.map(({ id }) => id).toSorted());
  });

  it("judges a lease by the time that passes here, however far ahead its holder's clock is", async () => {
    const threadId = await newThread();
    const anHourAhead = { now: () => clock.now() + 3_600_000, elapsed: clock.elapsed };
    const holder = createThreadStore(tableBy(anHourAhead), anHourAhead, defaultLeasePolicy);
    const run = runOn(threadId);
    await holder.admit(run, { alone: true, holder: "ahead" });
    const judge = processOf();
    expect(await judge.begin(threadId, "judge")).toMatchObject({ isSuspect: true });
    moved += defaultLeasePolicy.leaseMs - 1;
    expect(await judge.begin(threadId, "judge")).toHaveProperty("retryAt");
    moved += 1;
    expect(await judge.begin(threadId, "judge")).toMatchObject({ run: { id: run.id, attempt: 2 } });
  });

  it("gives the parts of a request, and the records of ended runs, a lifetime", async () => {
    const threads = processOf();
    const threadId = await newThread();
    const large = runOn(threadId, {
      request: { input: Array.from({ length: 40_000 }, () => randomUUID().slice(0, 8)).join("") },
    });
    const { lease } = (await threads.admit(large, { alone: true, holder: "process" })) as Begun;
    await threads.settle(lease, settled);
    const ends: unknown[] = [];
    for await (const { sk, expiresAt } of tableBy(clock).query({ pk: `thread#${threadId}` }))
      if (sk !== "thread") ends.push(expiresAt);
    expect(ends.length).toBeGreaterThan(1);
    expect(new Set(ends)).toEqual(new Set([expect.any(Number)]));
    expect(new Set(ends).size).toBe(1);
  });

  it("a record that lands once more after its run was rolled back goes with the sweep", async () => {
    let put: Parameters<Send>[0] | undefined;
    const threads = processOf((send) => (command) => {
      if (command.constructor.name === "PutCommand" && command.input.Item?.sk.startsWith("run#")) put = command;
      return send(command);
    });
    const threadId = await newThread();
    const run = runOn(threadId, { startAt: clock.now() + 60_000 });
    await threads.admit(run, { alone: false });
    expect(await threads.cancel(threadId, run.id, "rollback")).toBe("ended");
    const listed = async () => {
      const found: string[] = [];
      for await (const { runId } of threads.unfinished()) found.push(runId);
      return found.filter((runId) => runId === run.id);
    };
    expect([await threads.run(threadId, run.id), await listed()]).toEqual([undefined, []]);
    await table.client.send(put as never);
    expect(await listed()).toEqual([run.id]);
    await threads.endStray(threadId, run.id);
    expect([await threads.run(threadId, run.id), await listed()]).toEqual([undefined, []]);
  });
});
