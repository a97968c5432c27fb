/**
 * Pending writes: what the tasks of a superstep wrote, kept beside the checkpoint that they were computed from.
 * One item per task and one `UpdateItem` per call, so a crash leaves all writes of a call or none. LangGraph
 * may call concurrently, and before the checkpoint itself is put.
 */
import {
  type CheckpointPendingWrite,
  compareWritesSortKeys,
  ERROR,
  type PendingWrite,
  WRITES_IDX_MAP,
  writesSortKey,
} from "@langchain/langgraph-checkpoint";
import { type Item, isItemTooLarge, type Key, type Table } from "../../dynamo/index.ts";
import { isTenureError, TenureError } from "../../errors.ts";
import { type CheckedSerde, channelSubject } from "../bytes/checked-serde.ts";
import type { Dumped } from "../bytes/codec.ts";
import { errorRecord } from "../bytes/error-record.ts";
import { by, packOf, parsePack, type Write, wholePack } from "../bytes/packs.ts";
import { corrupt, unlessCorrupt } from "../corrupt.ts";
import { differenceType, isDifference, wholeType } from "../piece-table/difference.ts";
import type { PutOrder } from "../put-order.ts";
import type { Chunked, Chunks } from "./chunks.ts";
import type { Expiry } from "./expiry.ts";
import type { Heads } from "./heads.ts";
import {
  type CheckpointRef,
  checkpointOf,
  namespaceOf,
  partition,
  taskOf,
  WRITES,
  whatOf,
  writesKey,
  writesOf,
  writesOfNamespace,
} from "./keys.ts";
import { UpdateBuilder } from "./update-builder.ts";

/** A write as stored: its channel, the serializer's type, the value, and the run that wrote it, if that is known. */
type StoredWrite = [channel: string, type: string, value: Chunked, run?: string];

/** A task that writes, the run that it is part of, and the fence of that run's lease, as far as they are known. */
interface Task {
  id: string;
  path: string;
  run?: string | undefined;
  fence?: number | undefined;
}

/** More writes, or more bytes, than one update expression and one item hold go into one pack. */
const MAX_SINGLE_WRITES = 50;
const MAX_SINGLE_BYTES = 250_000;
const SPECIAL_INLINE_BYTES = 20_000;
/** Attribute for the highest fence of those that have written. */
export const FENCE = "fence";
/** The length in bytes of a write that waits for its checkpoint's put, and for how long at most. */
const LARGE_BYTES = 8192;
const PUT_WAIT_MS = 1_000;
/** Names of attributes that hold one write. */
const SINGLE = /^w(-?\d+)$/;

export class PendingWrites {
  private readonly table: Table;
  private readonly chunks: Chunks;
  private readonly serde: CheckedSerde;
  private readonly heads: Heads;

  constructor(table: Table, chunks: Chunks, serde: CheckedSerde, heads: Heads) {
    this.table = table;
    this.chunks = chunks;
    this.serde = serde;
    this.heads = heads;
  }

  /**
   * Stores the writes of one call. A regular write (index 0 and up) is kept as it was first stored; a special
   * one (error, interrupt, resume, scheduled: negative) is replaced, and of several in one call the last counts.
   * Throws `invalid-input` when a value would not come back, naming its channel, and `thread-busy` when the task has writes of a
   * higher fence: its run is somebody else's now. Then nothing is stored.
   */
  async put(ref: CheckpointRef, writes: PendingWrite[], task: Task, expiry: Expiry, puts: PutOrder): Promise<void> {
    const byIndex = new Map(writes.map((write, position) => [indexOf(write[0], position), write]));
    const values = await Promise.all(
      [...byIndex].map(async ([index, [channel, value]]) => ({ index, channel, ...(await this.dump(channel, value)) })),
    );
    // LangGraph may put the checkpoint later: a large write waits for it, and is compared with what it stores.
    const isLarge = values.some(({ bytes }) => bytes.length >= LARGE_BYTES);
    await puts.ended(ref, isLarge && !this.heads.known(ref) ? PUT_WAIT_MS : 0);
    const dumped = values.map(({ index, channel, type, bytes }): Write => {
      const difference = index < 0 ? undefined : this.heads.differenceOf(ref, channel, bytes);
      return [index, channel, difference ? differenceType(type) : type, difference ?? bytes, ...by(task.run)];
    });
    const regular = dumped.filter(([index]) => index >= 0);
    const key = writesKey(ref, task.id);
    const always = new Map<string, unknown>([["path", task.path]]);
    if (expiry.keptUntil !== undefined) always.set("expiresAt", expiry.keptUntil);
    const stored = async ([, channel, type, bytes, run]: Write, inlineBytes: number): Promise<StoredWrite> => [
      channel,
      type,
      await this.chunks.write(key, bytes, inlineBytes, expiry),
      ...by(run),
    ];
    for (const write of dumped.filter(([index]) => index < 0))
      always.set(`w${write[0]}`, await stored(write, SPECIAL_INLINE_BYTES));

    const update = this.updateOf(always, task);
    const size = regular.reduce((sum, [, , , bytes]) => sum + bytes.length, 0);
    if (regular.length > MAX_SINGLE_WRITES || size > MAX_SINGLE_BYTES)
      update.set("pack", await this.chunks.write(key, packOf(regular), MAX_SINGLE_BYTES, expiry));
    else for (const write of regular) update.setOnce(`w${write[0]}`, await stored(write, MAX_SINGLE_BYTES));
    if (regular.length > 0) update.whereIs("pack", undefined);
    try {
      if (await this.table.update(key, update)) return;
    } catch (error) {
      if (!isItemTooLarge(error)) throw error;
    }
    await this.addToPack(ref, key, { regular, always, task }, expiry);
  }

  /** A request that lands late, or once more, is not to replace what the next holder of the thread has written since. */
  private updateOf(always: Map<string, unknown>, { fence }: Task): UpdateBuilder {
    const update = new UpdateBuilder(always);
    if (fence !== undefined) update.raise(FENCE, fence);
    return update;
  }

  /**
   * Moves all regular writes of a task into one pack, those of this call behind the ones that are there. A single write
   * is only ever added while there is no pack, so that one beside a pack was first.
   */
  private async addToPack(
    ref: CheckpointRef,
    key: Key,
    { regular, always, task }: { regular: Write[]; always: Map<string, unknown>; task: Task },
    expiry: Expiry,
  ): Promise<void> {
    for (;;) {
      const update = this.updateOf(always, task);
      const range = { pk: key.pk, from: key.sk, to: key.sk, withExpired: true };
      const { value: item } = await this.table.query(range).next();
      if (task.fence !== undefined && Number(item?.[FENCE] ?? 0) > task.fence)
        throw new TenureError({ tag: "thread-busy", threadId: ref.threadId });
      const known = item ? (await this.unpack(ref, item)).filter(([index]) => index >= 0) : [];
      const taken = new Set(known.map(([index]) => index));
      const pack = packOf([...known, ...regular.filter(([index]) => !taken.has(index))]);
      update.set("pack", await this.chunks.write(key, pack, SPECIAL_INLINE_BYTES, expiry));
      for (const name of Object.keys(item ?? {})) if (/^w\d+$/.test(name)) update.remove(name);
      update.whereIs("pack", item?.pack as Chunked | undefined);
      if (await this.table.update(key, update)) return;
    }
  }

  /** Removes what a run wrote beside checkpoints, but for those that `keeps` names. Reads all writes of the thread. */
  async removeRun(threadId: string, run: string, keeps: (ref: CheckpointRef) => boolean): Promise<void> {
    for await (const found of this.table.query({ pk: partition(threadId), prefix: WRITES })) {
      const ref = { threadId, namespace: namespaceOf(found.sk), checkpointId: checkpointOf(found.sk) };
      if (keeps(ref)) continue;
      for (let item: Item | undefined = found; item; ) {
        const update = await this.without(ref, item, run);
        if (!update || (await this.table.update(item, update))) break;
        item = (await this.table.query({ pk: item.pk, from: item.sk, to: item.sk }).next()).value;
      }
    }
  }

  /** An update of an item that takes out what a run wrote; undefined when there is nothing of it. */
  private async without(ref: CheckpointRef, item: Item, run: string): Promise<UpdateBuilder | undefined> {
    const { path, pack, expiresAt } = item;
    const update = new UpdateBuilder(new Map([["path", path]]));
    const own = Object.keys(item).filter((name) => SINGLE.test(name) && (item[name] as StoredWrite)[3] === run);
    for (const name of own) {
      update.remove(name);
      update.whereAt(name, 3, run);
    }
    const packed = pack === undefined ? [] : await this.unpackAll(ref, item).catch(unlessCorrupt);
    const others = packed?.filter(([, , , , by]) => by !== run) ?? [];
    if (!packed || packed.length === others.length) return own.length > 0 ? update : undefined;
    update.whereIs("pack", pack as Chunked);
    const expiry = typeof expiresAt === "number" ? { keptUntil: expiresAt } : {};
    if (others.length === 0) update.remove("pack");
    else update.set("pack", await this.chunks.write(item, packOf(others), SPECIAL_INLINE_BYTES, expiry));
    return update;
  }

  /** An error is stored by its name and message when it cannot be as it is: it must not hide behind another one. */
  private async dump(channel: string, value: unknown): Promise<Dumped> {
    try {
      return await this.serde.dumpChecked(value, channelSubject(channel));
    } catch (error) {
      if (channel !== ERROR) throw error;
      return this.serde.dumpChecked(errorRecord(value), channelSubject(channel));
    }
  }

  /** Reads all writes of a checkpoint, or those of one run, in the order in which a live run applies them. */
  async read(ref: CheckpointRef, run?: string): Promise<CheckpointPendingWrite[]> {
    const items: Item[] = [];
    for await (const item of this.table.query({ pk: partition(ref.threadId), prefix: writesOf(ref) })) items.push(item);
    return this.toWrites(ref, items, run);
  }

  /**
   * Begins to read the writes of a checkpoint that is not known yet, but is the newest of its namespace or nearly so.
   * The function that is returned takes the checkpoint and gives its writes; it reads them by themselves if they are not among the newest.
   */
  readNewest(threadId: string, namespace: string): (ref: CheckpointRef) => Promise<CheckpointPendingWrite[]> {
    const pageSize = 2;
    const range = { pk: partition(threadId), prefix: writesOfNamespace(namespace), descending: true, pageSize };
    const newest = this.table.query(range);
    const first = newest.next();
    // A failure is thrown by the function that is returned, and is never unhandled.
    first.catch(() => {});
    return async (ref) => {
      const own = writesOf(ref);
      const items: Item[] = [];
      let next = await first;
      for (let read = 0; !next.done; next = await newest.next()) {
        if (next.value.sk < own) break;
        if (next.value.sk.startsWith(own)) items.push(next.value);
        // More than one page: a fan-out, of which page after page would be read, or checkpoints in between.
        if (++read === pageSize) return this.read(ref);
      }
      return this.toWrites(ref, items);
    };
  }

  /**
   * Reads the writes of several checkpoints of a namespace, by checkpoint id: of each list of ids in one query over their span. Each
   * is loaded when it is asked for, so that one that is damaged does no harm to the others.
   */
  async readAll(threadId: string, namespace: string, lists: string[][]): Promise<Map<string, WritesReader>> {
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

  /** Stores the differences beside a checkpoint whole: it is about to live longer than what it refers to. */
  async makeWhole(ref: CheckpointRef, expiry: Expiry): Promise<void> {
    for await (const found of this.table.query({ pk: partition(ref.threadId), prefix: writesOf(ref) }))
      for (let item: Item | undefined = found; item; ) {
        const update = await this.wholeOf(ref, item, expiry);
        if (!update || (await this.table.update(item, update))) break;
        item = (await this.table.query({ pk: item.pk, from: item.sk, to: item.sk }).next()).value;
      }
  }

  /** An update that stores an item's differences whole; undefined when it has none. One that cannot be read stays as it is. */
  private async wholeOf(ref: CheckpointRef, item: Item, expiry: Expiry): Promise<UpdateBuilder | undefined> {
    const update = new UpdateBuilder(new Map([["path", item.path]]));
    let isChanged = false;
    for (const name of Object.keys(item).filter((one) => SINGLE.test(one))) {
      const [channel, type, value, ...run] = item[name] as StoredWrite;
      const bytes = isDifference(type)
        ? await this.heads.expand(ref, await this.chunks.read(item, value, whatOfTask(ref, item)))
        : undefined;
      if (!bytes) continue;
      const whole = await this.chunks.write(item, bytes, SPECIAL_INLINE_BYTES, expiry);
      update.set(name, [channel, wholeType(type), whole, ...run]);
      update.whereAt(name, 1, type);
      isChanged = true;
    }
    if (item.pack !== undefined) {
      const packed = await this.unpackAll(ref, item);
      if (packed.some(([, , type]) => isDifference(type))) {
        const whole = await wholePack(packed, (bytes) => this.heads.expand(ref, bytes));
        update.set("pack", await this.chunks.write(item, packOf(whole), SPECIAL_INLINE_BYTES, expiry));
        update.whereIs("pack", item.pack as Chunked);
        isChanged = true;
      }
    }
    return isChanged ? update : undefined;
  }

  private async unpack(ref: CheckpointRef, item: Item): Promise<Write[]> {
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
  private async unpackAll(ref: CheckpointRef, item: Item): Promise<Write[]> {
    const what = whatOfTask(ref, item);
    return parsePack(await this.chunks.read(item, item.pack as Chunked, what), what);
  }
}

/** Loads the writes of one checkpoint. */
export type WritesReader = () => Promise<CheckpointPendingWrite[]>;

const whatOfTask = ({ checkpointId }: CheckpointRef, { sk }: Item): string =>
  `the writes of task ${taskOf(sk)} of checkpoint ${checkpointId}`;
const whatOfWrite = (ref: CheckpointRef, taskId: string, channel: string): string =>
  `${whatOf(ref)}, the write of task ${taskId} to channel ${channel}`;

/** Negative for the channels that LangGraph keeps one write of. A channel may be called `constructor`. */
const indexOf = (channel: string, position: number): number =>
  Object.hasOwn(WRITES_IDX_MAP, channel) ? (WRITES_IDX_MAP[channel] as number) : position;
