/**
 * Pending writes: what the tasks of a superstep wrote, kept beside the checkpoint that they were computed from.
 * One item per task and one `UpdateItem` per call, so a crash leaves all writes of a call or none. LangGraph
 * may call concurrently, and before the checkpoint itself is put.
 */
import {
  type CheckpointPendingWrite,
  compareWritesSortKeys,
  type PendingWrite,
  type SerializerProtocol,
  WRITES_IDX_MAP,
  writesSortKey,
} from "@langchain/langgraph-checkpoint";
import type { Item, Key, Table } from "../dynamo/index.ts";
import type { Blob, Blobs } from "./blobs.ts";
import { corrupt } from "./corrupt.ts";
import { type CheckpointRef, checkpointOf, partition, taskOf, writesKey, writesOf, writesOfNamespace } from "./keys.ts";

/** One write as stored: its channel, the serializer's type, the value. */
type StoredWrite = [channel: string, type: string, value: Blob];
/** A write of a pack: its index, and the value in base64. */
type PackedWrite = [index: number, channel: string, type: string, value: string];

/** More writes, or more bytes, than one update expression and one item hold go into one pack. */
const MAX_SINGLE_WRITES = 50;
const MAX_SINGLE_BYTES = 250_000;
const SPECIAL_INLINE_BYTES = 20_000;

export class PendingWrites {
  private readonly table: Table;
  private readonly blobs: Blobs;
  private readonly serde: SerializerProtocol;

  constructor(table: Table, blobs: Blobs, serde: SerializerProtocol) {
    this.table = table;
    this.blobs = blobs;
    this.serde = serde;
  }

  /**
   * Stores the writes of one call. A regular write (index 0 and up) is kept as it was first stored; a special
   * one (error, interrupt, resume, scheduled: negative) is replaced.
   */
  async put(
    ref: CheckpointRef,
    writes: PendingWrite[],
    task: { id: string; path: string },
    expiry: Expiry,
  ): Promise<void> {
    const dumped = await Promise.all(
      writes.map(async ([channel, value], position) => {
        const [type, bytes] = await this.serde.dumpsTyped(value);
        return { index: WRITES_IDX_MAP[channel] ?? position, channel, type, bytes };
      }),
    );
    const regular = dumped.filter(({ index }) => index >= 0);
    const special = dumped.filter(({ index }) => index < 0);
    const key = writesKey(ref, task.id);
    const update = new UpdateBuilder();
    const size = regular.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (regular.length > MAX_SINGLE_WRITES || size > MAX_SINGLE_BYTES) {
      const pack: PackedWrite[] = regular.map(({ index, channel, type, bytes }) => [
        index,
        channel,
        type,
        Buffer.from(bytes).toString("base64"),
      ]);
      const packed = Buffer.from(JSON.stringify(pack));
      update.setOnce("pack", await this.blobs.write(key, packed, MAX_SINGLE_BYTES, expiry));
    } else {
      for (const { index, channel, type, bytes } of regular)
        update.setOnce(`w${index}`, [channel, type, await this.blobs.write(key, bytes, MAX_SINGLE_BYTES, expiry)]);
    }
    for (const { index, channel, type, bytes } of special)
      update.set(`w${index}`, [channel, type, await this.blobs.write(key, bytes, SPECIAL_INLINE_BYTES, expiry)]);
    update.set("path", task.path);
    if (expiry.expiresAt !== undefined) update.set("expiresAt", expiry.expiresAt);
    await this.table.update(key, update);
  }

  /** The keys of a checkpoint's writes. */
  async keys(ref: CheckpointRef): Promise<Key[]> {
    const keys: Key[] = [];
    const range = { pk: partition(ref.threadId), prefix: writesOf(ref), withExpired: true };
    for await (const { pk, sk } of this.table.query(range)) keys.push({ pk, sk });
    return keys;
  }

  /** All writes of a checkpoint, in the order in which a live run applies them. */
  async read(ref: CheckpointRef): Promise<CheckpointPendingWrite[]> {
    const items: Item[] = [];
    for await (const item of this.table.query({ pk: partition(ref.threadId), prefix: writesOf(ref) })) items.push(item);
    return this.toWrites(ref, items);
  }

  /**
   * Begins to read the writes of a checkpoint that is not known yet, but is the newest of its namespace or nearly so.
   * What is returned takes the checkpoint and gives its writes; it reads on if they were not among the newest.
   */
  readNewest(threadId: string, namespace: string): (ref: CheckpointRef) => Promise<CheckpointPendingWrite[]> {
    const range = { pk: partition(threadId), prefix: writesOfNamespace(namespace), descending: true, pageSize: 4 };
    const newest = this.table.query(range);
    const first = newest.next();
    // Whoever asks hears of it.
    first.catch(() => {});
    return async (ref) => {
      const own = writesOf(ref);
      const items: Item[] = [];
      for (let next = await first; !next.done; next = await newest.next()) {
        if (next.value.sk.startsWith(own)) items.push(next.value);
        else if (next.value.sk < own) break;
      }
      return this.toWrites(ref, items);
    };
  }

  /** Those of several checkpoints of a namespace, by checkpoint id, in one query over the span of their ids. */
  async readAll(threadId: string, namespace: string, ids: string[]): Promise<Map<string, CheckpointPendingWrite[]>> {
    const wanted = new Map(ids.map((checkpointId) => [checkpointId, [] as Item[]]));
    const [oldest, newest] = [ids.toSorted()[0], ids.toSorted().at(-1)];
    if (oldest === undefined || newest === undefined) return new Map();
    const place = (checkpointId: string) => writesOf({ threadId, namespace, checkpointId });
    const range = { pk: partition(threadId), from: place(oldest), to: `${place(newest)}\u{10ffff}` };
    for await (const item of this.table.query(range)) wanted.get(checkpointOf(item.sk))?.push(item);
    const entries = [...wanted].map(
      async ([checkpointId, items]) =>
        [checkpointId, await this.toWrites({ threadId, namespace, checkpointId }, items)] as const,
    );
    return new Map(await Promise.all(entries));
  }

  private async toWrites(ref: CheckpointRef, items: Item[]): Promise<CheckpointPendingWrite[]> {
    const found: { key: ReturnType<typeof writesSortKey>; write: CheckpointPendingWrite }[] = [];
    for (const item of items) {
      const taskId = taskOf(item.sk);
      for (const [index, channel, type, bytes] of await this.unpack(ref, item))
        found.push({
          key: writesSortKey(String(item.path), taskId, index),
          write: [taskId, channel, await this.serde.loadsTyped(type, bytes)],
        });
    }
    return found.sort((a, b) => compareWritesSortKeys(a.key, b.key)).map(({ write }) => write);
  }

  private async unpack(ref: CheckpointRef, item: Item): Promise<[number, string, string, Uint8Array][]> {
    const what = `the writes of task ${taskOf(item.sk)} of checkpoint ${ref.checkpointId}`;
    const writes = new Map<number, [number, string, string, Uint8Array]>();
    if (item.pack !== undefined) {
      const bytes = await this.blobs.read(item, item.pack as Blob, what);
      for (const [index, channel, type, value] of parsePack(bytes, what))
        writes.set(index, [index, channel, type, Buffer.from(value, "base64")]);
    }
    for (const [name, value] of Object.entries(item)) {
      const index = /^w(-?\d+)$/.exec(name)?.[1];
      if (index === undefined) continue;
      const [channel, type, blob] = value as StoredWrite;
      writes.set(Number(index), [Number(index), channel, type, await this.blobs.read(item, blob, what)]);
    }
    return [...writes.values()];
  }
}

export interface Expiry {
  /** Epoch seconds; the item does not expire when left out. */
  expiresAt?: number;
}

function parsePack(bytes: Uint8Array, what: string): PackedWrite[] {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as PackedWrite[];
  } catch {
    throw corrupt(what);
  }
}

class UpdateBuilder {
  readonly names: Record<string, string> = {};
  readonly values: Record<string, unknown> = {};
  private readonly clauses: string[] = [];

  get expression(): string {
    return `SET ${this.clauses.join(", ")}`;
  }

  set(attribute: string, value: unknown): void {
    const n = this.bind(attribute, value);
    this.clauses.push(`#${n} = :${n}`);
  }

  setOnce(attribute: string, value: unknown): void {
    const n = this.bind(attribute, value);
    this.clauses.push(`#${n} = if_not_exists(#${n}, :${n})`);
  }

  private bind(attribute: string, value: unknown): string {
    const n = `a${this.clauses.length}`;
    this.names[`#${n}`] = attribute;
    this.values[`:${n}`] = value;
    return n;
  }
}
