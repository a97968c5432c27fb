/**
 * A side of a life: a checkpointer that is watched, so that a step can act at any of its moments and wait until nothing of
 * it is under way. The model is LangGraph's MemorySaver, told in few words what a rollback, a deletion and a refusal are.
 */
import type { RunnableConfig } from "@langchain/core/runnables";
import { type BaseCheckpointSaver, MemorySaver } from "@langchain/langgraph";
import { type CheckpointTuple, JsonPlusSerializer, type PendingWrite } from "@langchain/langgraph-checkpoint";

/** The operations of a saver's processes on a thread. Each call may come from a process of its own. */
export interface Storage {
  /** A saver with nothing in memory. */
  newSaver(): BaseCheckpointSaver;
  /** Entries for a config's `configurable`, for a run that begins now, or a reader. */
  configurable(thread: string): Record<string, unknown>;
  deleteThread(thread: string): Promise<void>;
  /** Makes all that the run has put absent from now on. */
  deleteRun(thread: string, runId: string): Promise<void>;
}

/** MemorySaver takes whatever it reads for JSON, so bytes by themselves are wrapped. */
class WrappedBytes extends JsonPlusSerializer {
  override dumpsTyped(value: unknown): Promise<[string, Uint8Array]> {
    return super.dumpsTyped(value instanceof Uint8Array ? { wrapped: [...value] } : value);
  }

  override async loadsTyped(type: string, data: Uint8Array | string): Promise<unknown> {
    const value = await super.loadsTyped(type, data);
    return value !== null && typeof value === "object" && "wrapped" in value
      ? Uint8Array.from(value.wrapped as number[])
      : value;
  }
}

/** Keeps checkpoints as MemorySaver does, and refuses what a full round trip shows not to come back. */
export class Model extends MemorySaver implements Storage {
  /** The run that wrote a pending write, by the keys under which MemorySaver has that. */
  private readonly writers = new Map<string, Map<string, unknown>>();

  constructor() {
    super(new WrappedBytes());
  }

  newSaver(): BaseCheckpointSaver {
    return this;
  }

  configurable(): Record<string, unknown> {
    return {};
  }

  override async put(...[config, checkpoint, metadata]: Parameters<MemorySaver["put"]>) {
    for (const [name, value] of Object.entries(checkpoint.channel_values)) await roundTrip(name, value);
    return super.put(config, checkpoint, { ...metadata, run_id: config.configurable?.run_id } as typeof metadata);
  }

  override async putWrites(...[config, writes, ...rest]: Parameters<MemorySaver["putWrites"]>) {
    for (const [channel, value] of writes) await roundTrip(channel, value);
    const { thread_id, checkpoint_ns, checkpoint_id, run_id } = config.configurable ?? {};
    const place = JSON.stringify([thread_id, checkpoint_ns, checkpoint_id]);
    const before = { ...this.writes[place] };
    await super.putWrites(config, writes, ...rest);
    const writers = this.writers.get(place) ?? new Map<string, unknown>();
    this.writers.set(place, writers);
    for (const [name, write] of Object.entries(this.writes[place] ?? {}))
      if (before[name] !== write) writers.set(name, run_id);
  }

  async deleteRun(thread: string, runId: string): Promise<void> {
    for await (const { config, metadata } of this.list({ configurable: { thread_id: thread } }))
      if ((metadata as { run_id?: string }).run_id === runId) {
        const { checkpoint_ns, checkpoint_id } = config.configurable ?? {};
        const namespaces = this.storage[thread] ?? {};
        delete namespaces[checkpoint_ns]?.[checkpoint_id];
        // MemorySaver takes an empty one for one that has a checkpoint.
        if (Object.keys(namespaces[checkpoint_ns] ?? {}).length === 0) delete namespaces[checkpoint_ns];
      }
    for (const [place, writers] of this.writers)
      for (const [name, run] of writers)
        if (run === runId && JSON.parse(place)[0] === thread) delete this.writes[place]?.[name];
  }
}

const serde = new JsonPlusSerializer();

async function roundTrip(channel: string, value: unknown): Promise<void> {
  try {
    const [type, bytes] = await serde.dumpsTyped(value);
    const loaded: unknown = await serde.loadsTyped(type, bytes);
    if (typeof loaded !== "string" || typeof value === "string" || !loaded.startsWith("[unable to serialize")) return;
  } catch {
    // Refused below.
  }
  throw new Error(`channel ${channel} cannot be stored: it does not come back`);
}

/** Hears of each write before it begins, and knows which are under way. */
export class Watch {
  onWrite: () => Promise<void> = async () => {};
  private readonly underWay = new Set<Promise<unknown>>();

  over(saver: BaseCheckpointSaver): BaseCheckpointSaver {
    const watched = async <T>(write: () => Promise<T>): Promise<T> => {
      const writing = this.onWrite().then(write);
      this.underWay.add(writing);
      return writing.finally(() => this.underWay.delete(writing));
    };
    return new Proxy(saver, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        if (name !== "put" && name !== "putWrites") return value.bind(target);
        return (...args: unknown[]) => watched(() => value.apply(target, args));
      },
    });
  }

  /** Resolves when a graph that was aborted writes no more. */
  async settled(): Promise<void> {
    for (let quiet = 0; quiet < 5; quiet++) {
      if (this.underWay.size > 0) quiet = 0;
      await Promise.allSettled([...this.underWay]);
      await new Promise(setImmediate);
    }
  }
}

/** Everything of a thread, parents first, as any caller of a saver could copy it. */
export async function copyThread(storage: Storage, from: string, to: string): Promise<void> {
  const saver = storage.newSaver();
  const tuples: CheckpointTuple[] = [];
  const source: RunnableConfig = { configurable: { ...storage.configurable(from), thread_id: from } };
  for await (const tuple of saver.list(source)) tuples.push(tuple);
  for (const { config, checkpoint, metadata, parentConfig, pendingWrites = [] } of tuples.reverse()) {
    const { checkpoint_ns } = config.configurable ?? {};
    const run = { run_id: (metadata as { run_id?: string } | undefined)?.run_id };
    const parent = parentConfig && { checkpoint_id: parentConfig.configurable?.checkpoint_id };
    const target = { configurable: { ...storage.configurable(to), ...run, thread_id: to, checkpoint_ns, ...parent } };
    const put = await saver.put(target, checkpoint, metadata ?? ({} as never), checkpoint.channel_versions);
    const byTask = new Map<string, PendingWrite[]>();
    for (const [task, channel, value] of pendingWrites)
      byTask.set(task, [...(byTask.get(task) ?? []), [channel, value]]);
    let place = 0;
    for (const [task, writes] of byTask) await saver.putWrites(put, writes, task, String(place++).padStart(6, "0"));
  }
}
