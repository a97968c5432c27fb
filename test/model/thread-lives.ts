/** Random lives of threads: three processes on one table in memory, a clock that is moved, deletions by DynamoDB, and sweeps that are cut short. */
import { type Checkpoint, emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver, incarnationConfig } from "@tenure/core/checkpoint";
import type { Clock } from "@tenure/core/clock";
import { type DynamoDBDocumentClient, Table } from "@tenure/core/dynamo";
import { createThreadStore, defaultLeasePolicy, type Lease, type NewRun, type Thread } from "@tenure/core/thread";
import { thinThread } from "@tenure/functions/deletion";
import { expect } from "vitest";
import { type Random, randomOf } from "../support/random.ts";
import { type Command, MemoryTable } from "../support/stores/memory-table/table.ts";
import { compareHistory, compareState } from "./thread-comparison.ts";
import { Deletions, type Fault, OWNER, type Process } from "./thread-deletions.ts";
import { type Checkpointed, ExpectedThread } from "./thread-oracle.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const IDS = ["one", "two", "three"];

function withoutFloor(thread: Thread): Thread {
  const { floor: _, ...incarnation } = thread.incarnation;
  return { ...thread, incarnation };
}

export class Life {
  private readonly random: Random;
  private readonly memory = new MemoryTable({ copies: true });
  private readonly client: DynamoDBDocumentClient;
  private readonly processes: Process[];
  private readonly readers: Process[];
  private readonly expected = new Map<string, ExpectedThread>();
  private readonly fault: Fault;
  private readonly deletions: Deletions;
  private now = Date.UTC(2027, 0, 1);
  private made = 0;

  constructor(seed: number, fault: Fault = {}) {
    this.random = randomOf(seed);
    this.fault = fault;
    const { memory } = this;
    class DynamoDBDocumentClient {
      async send(command: Command): Promise<unknown> {
        return memory.execute(command);
      }
    }
    this.client = new DynamoDBDocumentClient() as never;
    this.deletions = new Deletions(this.client, memory, this.random, fault);
    this.processes = [0, 1, 2].map(() => this.process({ now: () => this.now }));
    this.readers = fault.readerClock ? [this.process(fault.readerClock)] : this.processes;
  }

  private process(clock: Clock): Process {
    const table = new Table({ client: this.client, tableName: "t", clock });
    return {
      threads: createThreadStore(table, clock, defaultLeasePolicy),
      saver: new DynamoDBSaver({ client: this.client, tableName: "t", clock, indexName: "index" }),
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

  private alive(id: string): ExpectedThread | undefined {
    if (this.expected.get(id)?.isThere(this.now) === false) this.expected.delete(id);
    return this.expected.get(id);
  }

  private async step(): Promise<void> {
    const { random } = this;
    const id = IDS[random(IDS.length)] as string;
    const ttlMs = random(4) === 0 ? undefined : (1 + random(20)) * MINUTE;
    const strategy = random(2) === 0 ? "keep_latest" : "delete";
    switch (random(11)) {
      case 0:
      case 1:
        return this.create(id, { ttlMs, strategy });
      case 2: {
        const changed = await this.any.threads.change(id, OWNER, { metadata: { n: random(9) }, ttlMs, strategy });
        const one = this.alive(id);
        expect(changed !== undefined).toBe(one !== undefined);
        if (!one) return;
        if (ttlMs !== undefined) Object.assign(one, { ttlMs, strategy });
        one.touch(this.now);
        return expect(changed?.deadline).toBe(one.deadline);
      }
      case 3:
      case 4:
      case 5:
        return this.turn(id);
      case 6:
        return this.edit(id);
      case 7:
        return this.sweep();
      case 8: {
        const isPruned = await this.any.threads.prune(id, OWNER);
        const one = this.alive(id);
        expect(isPruned).toBe(one !== undefined);
        if (one) one.isPruned = true;
        one?.touch(this.now);
        return;
      }
      case 9: {
        const back = this.now - random(3) * DAY;
        for (const { pk, sk, expiresAt } of [...this.memory.items()])
          if (typeof expiresAt === "number" && expiresAt * 1000 <= back && random(2) === 0)
            await this.deletions.remove(pk, sk);
        return;
      }
      default:
        this.now += random(3) === 0 ? random(30) * MINUTE : random(10) * MINUTE + random(1000);
    }
  }

  private async create(id: string, lifetime: Pick<Thread, "ttlMs" | "strategy">): Promise<void> {
    const { threads } = this.any;
    const isThere = this.alive(id) !== undefined;
    const make = () => threads.create({ id, owner: OWNER, metadata: {}, ...lifetime });
    let created = await make();
    if (!created && !isThere && (await threads.expire(id)) !== undefined) {
      await this.deletions.erase(this.any, id);
      created = await make();
    }
    // A deletion that was cut short has the id until it is gone on with.
    if (!created && !isThere && (await threads.isClosed(id, OWNER))) return;
    expect(created !== false).toBe(!isThere);
    if (!created) return;
    const one = new ExpectedThread();
    if (lifetime.ttlMs !== undefined) Object.assign(one, lifetime);
    one.touch(this.now);
    this.expected.set(id, one);
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
    one.touch(this.now);
    if (random(3) === 0) {
      this.now += random(40) * MINUTE;
      await this.compare();
    }
    const process = this.any;
    for (;;) {
      const begun = await process.threads.begin(id, "holder");
      if (!begun || "retryAt" in begun) return;
      for (let count = 1 + random(3); count > 0; count--) {
        await this.say(process, begun.lease, one);
        if (random(6) === 0) await this.sweep();
      }
      // A long run renews its lease; the thread is there all the time.
      if (random(4) === 0) this.now += random(20) * 1000;
      const left = await process.threads.settle(begun.lease, { status: "success", thread: "idle" });
      expect(left).not.toBe("lost");
      one.queue = one.queue.filter((other) => other !== begun.run.id);
      one.touch(this.now);
    }
  }

  private async edit(id: string): Promise<void> {
    const process = this.any;
    const lease = await process.threads.hold(id, OWNER, "holder");
    const one = this.alive(id);
    expect(lease === undefined).toBe(one === undefined);
    if (!one || !lease || lease === "busy") return;
    one.touch(this.now);
    await this.say(process, lease, one);
    // A change by hand may take longer than the lifetime: its lease is renewed, and its end counts too.
    for (let held = lease as Lease | undefined; held && this.random(2) === 0; ) {
      this.now += 20_000;
      held = (await process.threads.renew(held))?.lease;
    }
    await process.threads.free(lease);
    one.touch(this.now);
  }

  /** Puts a checkpoint on the latest one or on another that is seen, as the holder of a lease; then writes beside it, and graphs within it. */
  private async say({ saver }: Process, { threadId, incarnation, fence }: Lease, one: ExpectedThread): Promise<void> {
    const { random } = this;
    const at = { thread_id: threadId, checkpoint_ns: "", ...incarnationConfig({ ...incarnation, fence }) };
    const parent = random(5) === 0 ? one.seen[random(one.seen.length)] : one.latest;
    const before = await saver.getTuple({ configurable: { ...at, checkpoint_id: parent?.id } });
    expect(before?.checkpoint.channel_values).toEqual(parent?.values);
    const word = `word ${this.made++}`;
    const said = [...((before?.checkpoint.channel_values.said as string[] | undefined) ?? []), word];
    const text = random(4) === 0 || !before ? `${word} `.repeat(1500) : String(before.checkpoint.channel_values.text);
    const snapshot = random(6) === 0;
    const log = snapshot ? { log: [word] } : {};
    const values = { said, text: `${text.slice(0, random(text.length))}${word}${text.slice(-8000)}`, ...log };
    const put: Checkpointed = { id: uuid6(this.made), parent, values, log: [], snapshot };
    await this.put(saver, { ...at, checkpoint_id: parent?.id }, put);
    one.put(put);
    const config = { configurable: { ...at, checkpoint_id: put.id } };
    for (let task = random(3); task > 0; task--) {
      const written = `log ${this.made++}`;
      await saver.putWrites(config, [["log", written]], `task ${task}`);
      put.log.push(written);
    }
    // In the order of their tasks.
    put.log.reverse();
    for (const namespace of [`node:${put.id}`, "lasting"].slice(0, random(4)))
      for (let count = random(3); count > 0; count--) {
        const all = one.within.get(namespace) ?? [];
        const id = uuid6(this.made++);
        const within = { id, parent: all.at(-1), values: { text: `${word}${count}` }, log: [], snapshot: false };
        const inner = { ...at, checkpoint_ns: namespace, checkpoint_id: all.at(-1)?.id };
        await this.put(saver, inner, within, { "": put.id });
        one.within.set(namespace, [...all, { ...within, at: put.id }]);
      }
  }

  private async put(
    saver: DynamoDBSaver,
    configurable: Record<string, unknown>,
    { id, values, snapshot }: Checkpointed,
    parents: Record<string, string> = {},
  ): Promise<void> {
    const versions = Object.fromEntries(Object.keys(values).map((name) => [name, this.made]));
    const checkpoint: Checkpoint = { ...emptyCheckpoint(), id, channel_values: values, channel_versions: versions };
    const counters = snapshot ? {} : { counters_since_delta_snapshot: { log: [1, 1] } };
    await saver.put({ configurable }, checkpoint, { source: "loop", step: 0, parents, ...counters } as never, versions);
  }

  /** A sweep, maybe cut short after any step: another one goes on with it. */
  private async sweep(): Promise<void> {
    const process = this.any;
    const { threads } = process;
    for await (const { id } of threads.closed()) if (this.random(4) > 0) await this.deletions.erase(this.any, id);
    for await (const found of threads.overdue()) {
      if (found.is === "over") expect([found.owner, this.alive(found.id)]).toEqual([OWNER, undefined]);
      if (this.random(3) === 0) {
        if (this.random(2) === 0) return;
        continue;
      }
      if (found.is === "over") await this.deletions.erase(this.any, found.id);
      else if (found.is === "thin") await this.deletions.thin(process, found.id);
      else await this.deletions.eraseLate(process, found);
    }
  }

  private async compare(): Promise<void> {
    const there = IDS.filter((id) => this.alive(id));
    const whole = this.random(this.readers.length);
    for (const [n, process] of this.readers.entries()) {
      const listed: string[] = [];
      for await (const { id } of process.threads.list(OWNER)) listed.push(id);
      expect(listed.sort()).toEqual(there.toSorted());
      for (const id of IDS) {
        const [thread, one] = [await process.threads.get(id, OWNER), this.alive(id)];
        expect([id, thread !== undefined]).toEqual([id, one !== undefined]);
        if (!thread || !one) continue;
        expect([thread.ttlMs, thread.deadline, thread.strategy ?? "delete"]).toEqual([
          ...[one.ttlMs, one.deadline, one.strategy],
        ]);
        const seen = this.fault.ignoresFloors ? withoutFloor(thread) : thread;
        await compareState(process.saver, seen, one);
        // All that there ever was is asked for, by one of the readers.
        if (n === whole) await compareHistory(process.saver, seen, one);
      }
    }
  }

  /** After all deadlines and whole sweeps, what is seen is all that is stored. */
  async end(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      this.now += 2 * DAY;
      const process = this.any;
      const { threads, saver } = process;
      for await (const { id } of threads.closed()) await this.deletions.erase(this.any, id);
      for await (const found of threads.overdue())
        if (found.is === "over") await this.deletions.erase(this.any, found.id);
        else if (found.is === "thin") await thinThread({ threads, checkpointer: saver }, found.id);
        else await this.deletions.eraseLate(process, found);
    }
    await this.compare();
    const kept = IDS.filter((id) => this.alive(id));
    for (const { pk, sk } of this.memory.items())
      if (pk.startsWith("thread#") || pk.startsWith("checkpoint#"))
        expect([pk, sk, kept.some((id) => pk.endsWith(`#${id}`))]).toEqual([pk, sk, true]);
  }
}
