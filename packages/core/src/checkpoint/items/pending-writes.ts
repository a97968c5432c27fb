/**
 * Pending writes: what the tasks of a superstep wrote, kept beside the checkpoint that they were computed from.
 * One item per task and one `UpdateItem` per call, so a crash leaves all writes of a call or none. LangGraph
 * may call concurrently, and before the checkpoint itself is put.
 */
import { ERROR, type PendingWrite, WRITES_IDX_MAP } from "@langchain/langgraph-checkpoint";
import { type Item, isItemTooLarge, type Key } from "../../dynamo/index.ts";
import { TenureError } from "../../errors.ts";
import { channelSubject } from "../bytes/checked-serde.ts";
import type { Dumped } from "../bytes/codec.ts";
import { errorRecord } from "../bytes/error-record.ts";
import { by, packOf, type Write, wholePack } from "../bytes/packs.ts";
import { unlessCorrupt } from "../corrupt.ts";
import { differenceType, isDifference, wholeType } from "../piece-table/difference.ts";
import type { PutOrder } from "../put-order.ts";
import type { Chunked } from "./chunks.ts";
import type { Expiry } from "./expiry.ts";
import { type CheckpointRef, checkpointOf, namespaceOf, partition, WRITES, writesKey, writesOf } from "./keys.ts";
import { UpdateBuilder } from "./update-builder.ts";
import { SINGLE, type StoredWrite, WritesReader, whatOfTask } from "./writes-reader.ts";

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

export class PendingWrites extends WritesReader {
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
    const expanded = (read: Promise<Uint8Array>) =>
      read.then((bytes) => this.heads.expand(ref, bytes)).catch(unlessCorrupt);
    const update = new UpdateBuilder(new Map([["path", item.path]]));
    let isChanged = false;
    for (const name of Object.keys(item).filter((one) => SINGLE.test(one))) {
      const [channel, type, value, ...run] = item[name] as StoredWrite;
      const bytes = isDifference(type) && (await expanded(this.chunks.read(item, value, whatOfTask(ref, item))));
      if (!bytes) continue;
      const whole = await this.chunks.write(item, bytes, SPECIAL_INLINE_BYTES, expiry);
      update.set(name, [channel, wholeType(type), whole, ...run]);
      update.whereAt(name, 1, type);
      isChanged = true;
    }
    if (item.pack !== undefined) {
      const packed = await this.unpackAll(ref, item).catch(unlessCorrupt);
      if (packed?.some(([, , type]) => isDifference(type))) {
        const whole = await wholePack(packed, async (bytes) => expanded(Promise.resolve(bytes)));
        update.set("pack", await this.chunks.write(item, packOf(whole), SPECIAL_INLINE_BYTES, expiry));
        update.whereIs("pack", item.pack as Chunked);
        isChanged = true;
      }
    }
    return isChanged ? update : undefined;
  }
}

/** Negative for the channels that LangGraph keeps one write of. A channel may be called `constructor`. */
const indexOf = (channel: string, position: number): number =>
  Object.hasOwn(WRITES_IDX_MAP, channel) ? (WRITES_IDX_MAP[channel] as number) : position;
