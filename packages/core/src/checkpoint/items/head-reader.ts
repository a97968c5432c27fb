/** Reads the heads of a thread from the table, by id or in the order of their namespace. */
import type { Item, Table } from "../../dynamo/index.ts";
import type { Codec } from "../bytes/codec.ts";
import { decodeHead, encodeHead, fingerprintOf, type StoredHead } from "./head.ts";
import { type CheckpointRef, headsOf, parsePositionKey, partition, positionKey } from "./keys.ts";
import { parsePosition, positionOf, type Shift } from "./order.ts";

/** A head as it was read; undefined where its bytes are damaged. */
export interface Candidate {
  ref: CheckpointRef;
  head: StoredHead | undefined;
  /** Epoch seconds until which DynamoDB keeps it, at least. */
  keptUntil?: number | undefined;
}

/** The item at a position: a head, or a pointer to a head whose position is not its id. */
export interface Entry extends Candidate {
  position: string;
  isPointer: boolean;
}

/** Heads that were read together, by checkpoint id. */
export type HeadCache = Map<string, { head: StoredHead; keptUntil?: number | undefined }>;

/** Which items: all namespaces when none is named, from the position `upTo` down when there is one. */
export interface EntryRange {
  threadId: string;
  namespace: string | undefined;
  upTo?: string | undefined;
  pageSize?: number | undefined;
}

export class HeadReader {
  private readonly table: Table;
  private readonly codec: Codec;

  constructor(table: Table, codec: Codec) {
    this.table = table;
    this.codec = codec;
  }

  /** The items of the range from the highest position down, with those that are absent to readers: their bytes may be needed. */
  async *entries({ threadId, namespace, upTo, pageSize }: EntryRange): AsyncGenerator<Entry> {
    const from = headsOf(namespace);
    const to =
      upTo === undefined ? `${from}\u{10ffff}` : positionKey({ threadId, namespace: namespace ?? "" }, upTo).sk;
    const range = { pk: partition(threadId), from, to, descending: true, pageSize };
    for await (const item of this.table.query(range)) yield await toEntry(item, this.codec);
  }

  /** The heads of the range, those with the greatest ids first. */
  async *byId(range: EntryRange): AsyncGenerator<Candidate> {
    for await (const entry of this.entries(range)) if (!entry.isPointer) yield entry;
  }

  /** Reads so many items from the head of `ref` down, puts the heads among them into `cache`, and returns that head. */
  async gather(ref: CheckpointRef, cache: HeadCache, count: number): Promise<Entry | undefined> {
    const { threadId, namespace, checkpointId } = ref;
    let own: Entry | undefined;
    let left = count;
    for await (const entry of this.entries({ threadId, namespace, upTo: positionOf(checkpointId), pageSize: count })) {
      if (entry.position === positionOf(checkpointId)) own = entry;
      note(entry, cache);
      if (--left === 0) break;
    }
    return own;
  }

  /**
   * Heads in the order of their positions. Heads that pointers lead to are looked for in `cache`, which is given by namespace, and
   * gathered there, as many at once as `gathers` says.
   */
  async *inOrder(
    entries: AsyncIterable<Entry>,
    cacheOf: (namespace: string) => HeadCache,
    gathers: (ref: CheckpointRef) => number,
  ): AsyncGenerator<Entry> {
    const found = new Set<string>();
    for await (const entry of entries) {
      const { ref, position } = entry;
      const name = JSON.stringify([ref.namespace, ref.checkpointId]);
      if (!entry.isPointer) {
        if (!found.has(name)) yield entry;
        continue;
      }
      const cache = cacheOf(ref.namespace);
      const own = cache.get(ref.checkpointId) ?? (await this.gather(ref, cache, gathers(ref)));
      // The put that made the pointer was cut short, or the checkpoint was put again at another position.
      if (!own || (own.head && positionOf(ref.checkpointId, own.head.shift) !== position)) continue;
      found.add(name);
      yield { ...own, ref, position, isPointer: false };
    }
  }
}

export function note({ ref, head, keptUntil, isPointer }: Entry, cache: HeadCache): void {
  if (head && !isPointer) cache.set(ref.checkpointId, { head, keptUntil });
}

/** The item of a head or of a pointer, read. */
export async function toEntry(item: Item, codec: Codec): Promise<Entry> {
  const { threadId, namespace, position } = parsePositionKey(item);
  const { checkpointId, shift } = parsePosition(position);
  const payload = await codec.decode(item.d, item);
  const head = payload && readHead(checkpointId, payload, fingerprintOf(item.d as Uint8Array));
  const keptUntil = typeof item.expiresAt === "number" ? { keptUntil: item.expiresAt } : {};
  return { ref: { threadId, namespace, checkpointId }, position, isPointer: shift !== undefined, head, ...keptUntil };
}

/** Undefined for the bytes of another format as well as for damaged ones. */
function readHead(...payload: Parameters<typeof decodeHead>): StoredHead | undefined {
  try {
    return decodeHead(...payload);
  } catch {
    return undefined;
  }
}

/**
 * A pointer to a checkpoint, at its position. To code that knows of no pointers it is a checkpoint that is absent: it has nothing
 * and has expired.
 */
export async function pointerTo(
  ref: CheckpointRef,
  shift: Shift,
  fence: number | undefined,
  codec: Codec,
): Promise<Item> {
  const key = positionKey(ref, positionOf(ref.checkpointId, shift));
  const nothing = { type: "json", bytes: Buffer.alloc(0) };
  const contents = { body: nothing, channels: new Map() };
  const head = { ...ref, depth: 0, expiresAt: 0, contents, metadata: nothing, inline: new Map() };
  return { ...key, d: await codec.encode(encodeHead({ ...head, ...(fence !== undefined && { fence }) }), key) };
}
