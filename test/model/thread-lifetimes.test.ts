/**
 * Lifetimes of threads against an oracle: random threads, turns, changes by hand and updates of lifetimes by three processes on one table in
 * memory, a clock that is moved, DynamoDB's deletion of expired items at any delay, and sweeps that are cut short. After each step every process
 * is asked: a thread is there exactly until its deadline, with its newest state, and nothing of it is there again afterwards.
 */
import { type Checkpoint, emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver, incarnationConfig } from "@tenure/core/checkpoint";
import type { Clock } from "@tenure/core/clock";
import { type DynamoDBDocumentClient, Table } from "@tenure/core/dynamo";
import { createThreadStore, defaultLeasePolicy, type Lease, type NewRun, type ThreadStore } from "@tenure/core/thread";
import { describe, expect, it } from "vitest";
import { type Random, randomOf } from "../support/random.ts";
import { sized } from "../support/runner/size.ts";
import { type Command, MemoryTable } from "../support/stores/memory-table/table.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const OWNER = "ada";
const IDS = ["one", "two", "three"];

/** A thread as it is at an instant, by the rules of docs/lifetimes.md. */
interface Expected {
  ttlMs: number | undefined;
  deadline: number | undefined;
  /** Runs in its queue. */
  queue: string[];
  said: string[] | undefined;
}

interface Process {
  threads: ThreadStore;
  saver: DynamoDBSaver;
}

class Life {
  private readonly random: Random;
  private readonly memory = new MemoryTable({ copies: true });
  private readonly client: DynamoDBDocumentClient;
  private readonly processes: Process[];
  private readonly expected = new Map<string, Expected>();
  private now = Date.UTC(2027, 0, 1);
  private made = 0;

  /** `readerClock` is that of the reads which are compared: the true one, unless a fault is put in. */
  constructor(seed: number, readerClock?: Clock) {
    this.random = randomOf(seed);
    const { memory } = this;
    class DynamoDBDocumentClient {
      async send(command: Command): Promise<unknown> {
        return memory.execute(command);
      }
    }
    this.client = new DynamoDBDocumentClient() as never;
    this.processes = [0, 1, 2].map(() => this.process({ now: () => this.now }));
    this.readers = readerClock ? [this.process(readerClock)] : this.processes;
  }
  private readonly readers: Process[];

  private process(clock: Clock): Process {
    const table = new Table({ client: this.client, tableName: "t", clock });
    return {
      threads: createThreadStore(table, clock, defaultLeasePolicy),
      saver: new DynamoDBSaver({ client: this.client, tableName: "t", clock }),
    };
  }

  async live(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.step();
      await this.compare();
    }
  }

  private get any(): Process {
    return this.processes[this.random(this.processes.length)] as Process;
  }

  private alive(id: string): Expected | undefined {
    const one = this.expected.get(id);
    if (one && one.deadline !== undefined && one.queue.length === 0 && this.now >= one.deadline)
      this.expected.delete(id);
    return this.expected.get(id);
  }

  private touch(one: Expected): void {
    one.deadline = one.ttlMs === undefined ? undefined : this.now + one.ttlMs;
  }

  private async step(): Promise<void> {
    const { random } = this;
    const id = IDS[random(IDS.length)] as string;
    const ttlMs = random(4) === 0 ? undefined : (1 + random(20)) * MINUTE;
    switch (random(9)) {
      case 0:
      case 1:
        return this.create(id, ttlMs);
      case 2: {
        const changed = await this.any.threads.change(id, OWNER, { metadata: { n: random(9) }, ttlMs });
        const one = this.alive(id);
        expect(changed !== undefined).toBe(one !== undefined);
        if (one) {
          one.ttlMs = ttlMs ?? one.ttlMs;
          this.touch(one);
          expect(changed?.deadline).toBe(one.deadline);
        }
        return;
      }
      case 3:
      case 4:
        return this.turn(id);
      case 5:
        return this.edit(id);
      case 6:
        return this.sweep();
      case 7: {
        const back = this.now - random(3) * DAY;
        for (const { pk, sk, expiresAt } of [...this.memory.items()])
          if (typeof expiresAt === "number" && expiresAt * 1000 <= back && random(2) === 0)
            await this.client.send(
              new (class DeleteCommand {
                input = { TableName: "t", Key: { pk, sk } };
              })() as never,
            );
        return;
      }
      default:
        this.now += random(3) === 0 ? random(30) * MINUTE : random(10) * MINUTE + random(1000);
    }
  }

  private async create(id: string, ttlMs: number | undefined): Promise<void> {
    const { threads } = this.any;
    const isThere = this.alive(id) !== undefined;
    let created = await threads.create({ id, owner: OWNER, metadata: {}, ttlMs });
    if (!created && !isThere && (await threads.expire(id)) !== undefined) {
      await this.erase(id);
      created = await threads.create({ id, owner: OWNER, metadata: {}, ttlMs });
    }
    // A deletion that was cut short has the id until it is gone on with.
    if (!created && !isThere && (await threads.isClosed(id, OWNER))) return;
    expect(created !== false).toBe(!isThere);
    if (created) {
      const one: Expected = { ttlMs, deadline: undefined, queue: [], said: undefined };
      this.touch(one);
      this.expected.set(id, one);
    }
  }

  private async erase(id: string): Promise<void> {
    const { threads, saver } = this.any;
    await saver.eraseThread(id, () => threads.isClosed(id, OWNER));
    await threads.erase(id, OWNER);
  }

  /** A run that is admitted, and begins now or later: its thread goes on meanwhile, whatever its deadline was. */
  private async turn(id: string): Promise<void> {
    const { random } = this;
    const run: NewRun = {
      ...{ id: `run-${this.made++}`, threadId: id, owner: OWNER, assistantId: "a", graphId: "g", request: {} },
      ...{ metadata: {}, multitask: "enqueue", createdAt: this.now, startAt: this.now },
    };
    const admitted = await this.any.threads.admit(run, { alone: false });
    const one = this.alive(id);
    expect(admitted === "not-found").toBe(one === undefined);
    if (!one) return;
    one.queue.push(run.id);
    this.touch(one);
    if (random(3) === 0) {
      this.now += random(40) * MINUTE;
      await this.compare();
    }
    const process = this.any;
    for (;;) {
      const begun = await process.threads.begin(id, "holder");
      if (!begun || "retryAt" in begun) return;
      await this.say(process, begun.lease, one);
      // A long run renews its lease; the thread is there all the time.
      if (random(4) === 0) this.now += random(20) * 1000;
      const left = await process.threads.settle(begun.lease, { status: "success", thread: "idle" });
      expect(left).not.toBe("lost");
      one.queue = one.queue.filter((other) => other !== begun.run.id);
      this.touch(one);
    }
  }

  private async edit(id: string): Promise<void> {
    const process = this.any;
    const lease = await process.threads.hold(id, OWNER, "holder");
    const one = this.alive(id);
    expect(lease === undefined).toBe(one === undefined);
    if (!one || !lease || lease === "busy") return;
    this.touch(one);
    await this.say(process, lease, one);
    // A change by hand may take longer than the lifetime: its lease is renewed, and its end counts too.
    for (let held = lease as Lease | undefined; held && this.random(2) === 0; ) {
      this.now += 20_000;
      held = (await process.threads.renew(held))?.lease;
    }
    await process.threads.free(lease);
    this.touch(one);
  }

  /** Puts a checkpoint as the holder of a lease. */
  private async say({ saver }: Process, lease: Lease, one: Expected): Promise<void> {
    const at = {
      thread_id: lease.threadId,
      checkpoint_ns: "",
      ...incarnationConfig({ ...lease.incarnation, fence: lease.fence }),
    };
    const before = await saver.getTuple({ configurable: at });
    const said = [...((before?.checkpoint.channel_values.said as string[] | undefined) ?? []), `word ${this.made++}`];
    const checkpoint: Checkpoint = {
      ...{ ...emptyCheckpoint(), id: uuid6(this.made) },
      ...{ channel_values: { said }, channel_versions: { said: this.made } },
    };
    const parent = before?.config.configurable?.checkpoint_id as string | undefined;
    await saver.put(
      { configurable: { ...at, checkpoint_id: parent } },
      checkpoint,
      { source: "loop", step: 0, parents: {} },
      { said: 1 },
    );
    one.said = [...(one.said ?? []), said.at(-1) as string];
  }

  /** A sweep, maybe cut short after any step: another one goes on with it. */
  private async sweep(): Promise<void> {
    const { threads } = this.any;
    for await (const { id } of threads.closed()) if (this.random(4) > 0) await this.erase(id);
    for await (const { id, owner } of threads.overdue()) {
      expect([owner, this.alive(id)]).toEqual([OWNER, undefined]);
      if (this.random(3) > 0) await this.erase(id);
      else if (this.random(2) === 0) return;
    }
  }

  private async compare(): Promise<void> {
    const there = IDS.filter((id) => this.alive(id));
    for (const { threads, saver } of this.readers) {
      const listed: string[] = [];
      for await (const { id } of threads.list(OWNER)) listed.push(id);
      expect(listed.sort()).toEqual(there.toSorted());
      for (const id of IDS) {
        const [thread, one] = [await threads.get(id, OWNER), this.alive(id)];
        expect([id, thread !== undefined]).toEqual([id, one !== undefined]);
        if (!thread || !one) continue;
        expect([thread.ttlMs, thread.deadline]).toEqual([one.ttlMs, one.deadline]);
        const at = { thread_id: id, checkpoint_ns: "", ...incarnationConfig(thread.incarnation) };
        const tuple = await saver.getTuple({ configurable: at });
        expect(tuple?.checkpoint.channel_values.said).toEqual(one.said);
      }
    }
  }

  /** After all deadlines and whole sweeps, threads that are kept for good are all that is stored. */
  async end(): Promise<void> {
    this.now += 2 * DAY;
    const [{ threads }] = this.processes as [Process];
    for (let round = 0; round < 2; round++) {
      for await (const { id } of threads.overdue()) await this.erase(id);
      for await (const { id } of threads.closed()) await this.erase(id);
    }
    await this.compare();
    const kept = IDS.filter((id) => this.alive(id));
    for (const { pk, sk } of this.memory.items())
      if (pk.startsWith("thread#") || pk.startsWith("checkpoint#"))
        expect([pk, sk, kept.some((id) => pk.endsWith(`#${id}`))]).toEqual([pk, sk, true]);
  }
}

describe("lifetimes of threads", () => {
  const [count, block] = [sized(50, 10_000), 50];
  it.each(Array.from({ length: count / block }, (_, n) => n * block + 1))(
    "are the oracle's in histories from %i on",
    async (first) => {
      for (let seed = first; seed < first + block; seed++)
        try {
          const life = new Life(seed);
          await life.live(40);
          await life.end();
        } catch (error) {
          throw new Error(`history ${seed}: ${(error as Error).message}`, { cause: error });
        }
    },
  );

  it("are not those of a reader that leaves expiry to the sweep and to DynamoDB", async () => {
    const late = Array.from({ length: 20 }, (_, n) => new Life(n + 1, { now: () => Date.UTC(2027, 0, 1) }).live(40));
    const outcomes = await Promise.allSettled(late);
    expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
  });
});
