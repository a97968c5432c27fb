/** Reads pending writes: those of a checkpoint, or of several. See pending-writes.ts for how they are stored. */
import { type CheckpointPendingWrite, compareWritesSortKeys, writesSortKey } from "@langchain/langgraph-checkpoint";
import type { Item, Table } from "../../dynamo/index.ts";
import { isTenureError } from "../../errors.ts";
import type { CheckedSerde } from "../bytes/checked-serde.ts";
import { by, parsePack, type Write } from "../bytes/packs.ts";
import { corrupt, unlessCorrupt } from "../corrupt.ts";
import { isDifference, parseDifference, wholeType } from "../piece-table/difference.ts";
import type { Extent } from "../piece-table/extents.ts";
import type { Chunked, Chunks } from "./chunks.ts";
import type { Heads } from "./heads.ts";
import { type CheckpointRef, checkpointOf, partition, taskOf, whatOf, writesOf } from "./keys.ts";

/** A write as stored: its channel, the serializer's type, the value, and the run that wrote it, if that is known. */
export type StoredWrite = [channel: string, type: string, value: Chunked, run?: string];

/** Names of attributes that hold one write. */
export const SINGLE = /^w(-?\d+)$/;

/** Loads the writes of one checkpoint. */
export type LoadWrites = () => Promise<CheckpointPendingWrite[]>;

export const whatOfTask = ({ checkpointId }: CheckpointRef, { sk }: Item): string =>
  `the writes of task ${taskOf(sk)} of checkpoint ${checkpointId}`;
const whatOfWrite = (ref: CheckpointRef, taskId: string, channel: string): string =>
  `${whatOf(ref)}, the write of task ${taskId} to channel ${channel}`;

export class WritesReader {
  protected readonly table: Table;
  protected readonly chunks: Chunks;
  protected readonly serde: CheckedSerde;
  protected readonly heads: Heads;

  constructor(table: Table, chunks: Chunks, serde: CheckedSerde, heads: Heads) {
    this.table = table;
    this.chunks = chunks;
    this.serde = serde;
    this.heads = heads;
  }

  /** Reads all writes of a checkpoint, or those of one run, in the order in which a live run applies them. */
  async read(ref: CheckpointRef, run?: string): Promise<CheckpointPendingWrite[]> {
    const items: Item[] = [];
    for await (const item of this.table.query({ pk: partition(ref.threadId), prefix: writesOf(ref) })) items.push(item);
    return this.toWrites(ref, items, run);
  }

  /**
   * Reads the writes of several checkpoints of a namespace, by checkpoint id: of each list of ids in one query over their span. Each
   * is loaded when it is asked for, so that one that is damaged does no harm to the others.
   */
  async readAll(threadId: string, namespace: string, lists: string[][]): Promise<Map<string, LoadWrites>> {
    const wanted = new Map(lists.flat().map((checkpointId) => [checkpointId, [] as Item[]]));
    const rangeStart = (checkpointId: string) => writesOf({ threadId, namespace, checkpointId });
    for (const ids of lists.map((list) => list.toSorted())) {
      const [oldest, newest] = [ids[0], ids.at(-1)];
      if (oldest === undefined || newest === undefined) continue;
      const range = { pk: partition(threadId), from: rangeStart(oldest), to: `${rangeStart(newest)}\u{10ffff}` };
      const own = new Set(ids);
      for await (const item of this.table.query(range))
        if (own.has(checkpointOf(item.sk))) wanted.get(checkpointOf(item.sk))?.push(item);
    }
    return new Map(
      [...wanted].map(([checkpointId, items]) => [
        checkpointId,
        () => this.toWrites({ threadId, namespace, checkpointId }, items),
      ]),
    );
  }

  private async toWrites(ref: CheckpointRef, items: Item[], run?: string): Promise<CheckpointPendingWrite[]> {
    try {
      return await this.decode(ref, items, run);
    } catch (error) {
      throw isTenureError(error) ? error : corrupt(`the writes of ${whatOf(ref)}`, { cause: error });
    }
  }

  private async decode(ref: CheckpointRef, items: Item[], of?: string): Promise<CheckpointPendingWrite[]> {
    const found: { key: ReturnType<typeof writesSortKey>; write: CheckpointPendingWrite }[] = [];
    for (const item of items) {
      const taskId = taskOf(item.sk);
      for (const [index, channel, type, bytes, run] of await this.unpack(ref, item)) {
        if (of !== undefined && run !== of) continue;
        found.push({
          key: writesSortKey(String(item.path), taskId, index),
          write: [taskId, channel, await this.load(ref, { type, bytes }, whatOfWrite(ref, taskId, channel))],
        });
      }
    }
    return found.sort((a, b) => compareWritesSortKeys(a.key, b.key)).map(({ write }) => write);
  }

  /** The value of a write, which may be stored as a difference. Throws `store-corrupt` naming `what`. */
  private async load(ref: CheckpointRef, { type, bytes }: { type: string; bytes: Uint8Array }, what: string) {
    const whole = isDifference(type)
      ? { type: wholeType(type), bytes: await this.heads.expand(ref, bytes) }
      : { type, bytes: Buffer.from(bytes) };
    if (!whole.bytes) throw corrupt(what);
    return this.serde.load({ type: whole.type, bytes: whole.bytes }, () => what);
  }

  /** Lists what the differences among the writes of an item refer to, counted from their checkpoint's head. A write that cannot be read refers to nothing. */
  async extentsOf(ref: CheckpointRef, item: Item): Promise<Extent[]> {
    const writes = (await this.unpack(ref, item).catch(unlessCorrupt)) ?? [];
    const differences = writes.filter(([, , type]) => isDifference(type));
    return differences.flatMap(([, , , bytes]) => parseDifference(Buffer.from(bytes))?.extents ?? []);
  }

  protected async unpack(ref: CheckpointRef, item: Item): Promise<Write[]> {
    const what = whatOfTask(ref, item);
    const packed = item.pack === undefined ? [] : await this.unpackAll(ref, item);
    const writes = new Map(packed.map((write) => [write[0], write]));
    for (const [name, value] of Object.entries(item)) {
      const index = SINGLE.exec(name)?.[1];
      if (index === undefined) continue;
      const [channel, type, blob, run] = value as StoredWrite;
      writes.set(Number(index), [Number(index), channel, type, await this.chunks.read(item, blob, what), ...by(run)]);
    }
    return [...writes.values()];
  }

  /** The writes of an item's pack. */
  protected async unpackAll(ref: CheckpointRef, item: Item): Promise<Write[]> {
    const what = whatOfTask(ref, item);
    return parsePack(await this.chunks.read(item, item.pack as Chunked, what), what);
  }
}
