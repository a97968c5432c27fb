/**
 * Random lives of a thread that several processes write to in turn, each with a clock of its own, against an oracle that knows
 * in which order checkpoints were put and on what. A turn is a run: it reads the latest checkpoint or goes back to an earlier one,
 * puts some, and may be rolled back by another process.
 */
import { type Checkpoint, type CheckpointTuple, uuid6 } from "@langchain/langgraph-checkpoint";
import { DynamoDBSaver, type DynamoDBSaverOptions, incarnationConfig } from "@tenure/core/checkpoint";
import fc from "fast-check";
import { vi } from "vitest";

/** With a lease, each run has a fence and the thread has a life; alone, the saver keeps the lives itself. */
export type Mode = "lease" | "alone";

export interface Turn {
  process: number;
  /** The distance of the checkpoint that it begins at from the last one that was put; the latest when 0. */
  back: number;
  /** Alone: begins at the last checkpoint that this process has put, which it has in memory, without a look. */
  isStale: boolean;
  /** Nothing in memory. */
  isCold: boolean;
  puts: number;
  /** The bytes that each checkpoint adds. */
  bytes: number;
  /** The milliseconds that have passed since the turn before. */
  passes: number;
  isUndone: boolean;
  /** Dies in a put that is not the first one, once the first of its requests is done. */
  dies: boolean;
}

const rarely = (n: number) => fc.nat(n).map((one) => one === n);
const turn: fc.Arbitrary<Turn> = fc.record({
  process: fc.nat(2),
  back: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(20) }),
  isStale: rarely(3),
  isCold: rarely(3),
  puts: fc.integer({ min: 1, max: 4 }),
  bytes: fc.constantFrom(20, 300, 3000),
  passes: fc.constantFrom(0, 3, 150, 900, 20_000),
  isUndone: rarely(4),
  dies: rarely(8),
});
export const turns = fc.array(turn, { minLength: 4, maxLength: 12 });
/** Milliseconds that the clocks of three processes are ahead. */
export const skews = fc.tuple(
  ...([0, 1, 2].map(() => fc.constantFrom(0, -200, -1000, -3_600_000, 5000, 600_000)) as [
    fc.Arbitrary<number>,
    fc.Arbitrary<number>,
    fc.Arbitrary<number>,
  ]),
);

/** A checkpoint that was put. */
export interface Put {
  id: string;
  parent: string | undefined;
  run: string;
  values: Record<string, unknown>;
}

const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(30_000))).toString("base64");
let from = 0;
function text(bytes: number): string {
  from = (from + 7919) % 30_000;
  return noise.slice(from, from + bytes);
}

/** An id as LangGraph makes it, by a clock that shows this. */
export function idAt(msecs: number, step: number): string {
  const clock = vi.spyOn(Date, "now").mockReturnValue(msecs);
  try {
    return uuid6(step);
  } finally {
    clock.mockRestore();
  }
}

let threads = 0;

export class SkewedLife {
  readonly thread = `skewed-${threads++}-${crypto.randomUUID().slice(0, 8)}`;
  /** In the order in which they were put, without those of runs that were rolled back. */
  visible: Put[] = [];
  readonly all = new Map<string, Put>();
  /** True when a turn has begun at a checkpoint that was not the latest. */
  hasForked = false;
  readonly mode: Mode;
  private readonly table: Pick<DynamoDBSaverOptions, "client" | "tableName">;
  private readonly skews: readonly number[];
  private readonly savers: DynamoDBSaver[];
  /** By process, the last one that it has put. */
  private readonly remembered = new Map<number, string>();
  private readonly life = { id: crypto.randomUUID(), undone: [] as string[] };
  private now = Date.now();
  private runs = 0;
  private requestsLeft = Infinity;

  constructor(table: Pick<DynamoDBSaverOptions, "client" | "tableName">, mode: Mode, skews: readonly number[]) {
    this.table = table;
    this.mode = mode;
    this.skews = skews;
    this.savers = skews.map(() => this.newSaver());
  }

  /** As a process that has just begun. */
  newSaver({ client = this.table.client, cacheBytes = 1_000_000 }: Partial<DynamoDBSaverOptions> = {}): DynamoDBSaver {
    const metadataOf: DynamoDBSaverOptions["metadataOf"] = ({ configurable }) => ({ run_id: configurable?.run_id });
    return new DynamoDBSaver({ ...this.table, client, metadataOf, cacheBytes });
  }

  at(checkpoint_id?: string, fence?: number) {
    const life =
      this.mode === "lease" ? incarnationConfig({ ...this.life, ...(fence !== undefined && { fence }) }) : {};
    const place = { thread_id: this.thread, checkpoint_ns: "", ...(checkpoint_id !== undefined && { checkpoint_id }) };
    return { configurable: { ...life, ...place } };
  }

  /** Takes a turn, and returns the run, the checkpoint that it began at, and what it has put. */
  async take(one: Turn): Promise<{ run: string; base: string | undefined; put: Put[] }> {
    this.now += one.passes;
    const [run, fence] = [`run-${++this.runs}`, this.runs];
    if (one.isCold || one.dies)
      this.savers[one.process] = this.newSaver(one.dies ? { client: this.dyingClient() } : {});
    const saver = this.savers[one.process] as DynamoDBSaver;
    const config = (id?: string) => {
      const { configurable } = this.at(id, fence);
      return { configurable: { ...configurable, run_id: run } };
    };
    const base = await this.begin(one, saver, config);
    if (base !== undefined) await saver.putWrites(config(base), [["input", run]], `input of ${run}`);
    const put: Put[] = [];
    let parent = base;
    for (let step = 0; step < one.puts; step++) {
      this.now += 5;
      const id = idAt(this.now + (this.skews[one.process] ?? 0), step);
      const before = (parent && this.all.get(parent)?.values.messages) ?? [];
      const values = { messages: [...(before as string[]), text(one.bytes)] };
      const versions = { messages: step + 1 };
      const checkpoint: Checkpoint = {
        v: 4,
        id,
        ts: "",
        channel_values: values,
        channel_versions: versions,
        versions_seen: {},
      };
      if (one.dies && step > 0) this.requestsLeft = 1;
      try {
        await saver.put(config(parent), checkpoint, { source: "loop", step, parents: {} }, versions);
      } catch (error) {
        if (this.requestsLeft > 0) throw error;
        this.savers[one.process] = this.newSaver();
        break;
      } finally {
        this.requestsLeft = Infinity;
      }
      const made = { id, parent, run, values };
      this.all.set(id, made);
      this.visible.push(made);
      put.push(made);
      this.remembered.set(one.process, id);
      await saver.putWrites(config(id), [["log", id]], "task");
      parent = id;
    }
    return { run, base, put };
  }

  private async begin(one: Turn, saver: DynamoDBSaver, config: (id?: string) => object): Promise<string | undefined> {
    if (one.isStale && this.mode === "alone") {
      const id = this.remembered.get(one.process);
      if (id !== this.visible.at(-1)?.id) this.hasForked = true;
      return id;
    }
    if (one.back > 0 && this.visible.length > 0) {
      this.hasForked = true;
      const id = this.visible.at(-1 - (one.back % this.visible.length))?.id;
      return (await saver.getTuple(config(id) as never))?.checkpoint.id;
    }
    return (await saver.getTuple(config() as never))?.checkpoint.id;
  }

  /** Rolls a run back, from a process that has nothing in memory. */
  async undo(run: string): Promise<void> {
    this.visible = this.visible.filter((one) => one.run !== run);
    if (this.mode === "alone") return this.newSaver().deleteRun(this.thread, run);
    this.life.undone.push(run);
    await this.newSaver().eraseRun(this.thread, run);
  }

  /** The checkpoints before one, oldest first. */
  before(id: string): string[] {
    const parent = this.all.get(id)?.parent;
    return parent === undefined ? [] : [...this.before(parent), parent];
  }

  /** A process of those that have something in memory. */
  warm(process: number): DynamoDBSaver {
    return this.savers[process] as DynamoDBSaver;
  }

  private dyingClient(): DynamoDBSaverOptions["client"] {
    return new Proxy(this.table.client as object, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name !== "send") return value;
        return async (...args: unknown[]) => {
          if (this.requestsLeft-- <= 0)
            throw Object.assign(new Error("the process is dead"), { name: "ValidationException" });
          return (value as (...args: unknown[]) => Promise<unknown>).apply(target, args);
        };
      },
    }) as DynamoDBSaverOptions["client"];
  }
}

export async function listed(list: AsyncIterable<CheckpointTuple>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { checkpoint } of list) ids.push(checkpoint.id);
  return ids;
}
