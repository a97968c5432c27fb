/** Reads heads, and puts together what they and the segments hold: the state of a checkpoint. */

import { crc32 } from "node:zlib";
import { LRUCache } from "lru-cache";
import type { Item, Table } from "../dynamo/index.ts";
import type { Codec } from "./codec.ts";
import { corrupt } from "./corrupt.ts";
import { decodeHead, fingerprintOf, type Head, inlineOf } from "./head.ts";
import { type CheckpointRef, headKey, headsOf, parseHeadKey, partition, whatOf } from "./keys.ts";
import { type Ancestor, type Channel, MAX_REACH, type State } from "./plan.ts";
import { reachOf, storedRanges, toSlices } from "./runs.ts";
import { nameOf, type Segments } from "./segments.ts";
import { isInline } from "./slices.ts";

/** A checkpoint with all that is stored of it. */
export interface Loaded {
  ref: CheckpointRef;
  head: Head;
  state: State;
}

/** A head as it was read; undefined where its bytes are damaged. */
export interface Candidate {
  ref: CheckpointRef;
  head: Head | undefined;
  /** Epoch seconds until which DynamoDB keeps it, at least. */
  keptUntil?: number;
}

/** Heads that were read together, by checkpoint id. */
export type Nearby = Map<string, { head: Head; keptUntil?: number }>;

export class Heads {
  private readonly table: Table;
  private readonly segments: Segments;
  private readonly codec: Codec;
  private readonly cache: LRUCache<string, Loaded>;
  private readonly newest = new LRUCache<string, string>({ max: 10_000 });

  /** `cacheBytes`: how much of what was read or put is kept in memory. */
  constructor(table: Table, segments: Segments, codec: Codec, cacheBytes: number) {
    this.table = table;
    this.segments = segments;
    this.codec = codec;
    this.cache = new LRUCache({ maxSize: cacheBytes, sizeCalculation: sizeOf });
  }

  /** Newest first, with those that are absent to readers: their bytes may be needed. Damaged ones are left out. */
  async *read(
    threadId: string,
    namespace: string | undefined,
    options: { upTo?: string | undefined; pageSize?: number } = {},
  ): AsyncGenerator<Candidate> {
    const from = headsOf(namespace);
    const to =
      options.upTo === undefined
        ? `${from}\u{10ffff}`
        : headKey({ threadId, namespace: namespace ?? "", checkpointId: options.upTo }).sk;
    const { pageSize } = options;
    const range = { pk: partition(threadId), from, to, descending: true, ...(pageSize !== undefined && { pageSize }) };
    for await (const item of this.table.query(range)) yield await toCandidate(item, this.codec);
  }

  /** The heads that a config may mean, newest first: with the first page, and all on it in `nearby`. */
  async candidates(
    threadId: string,
    namespace: string,
    checkpointId: string,
    nearby: Nearby,
  ): Promise<AsyncIterable<Candidate>> {
    const isKnown = checkpointId
      ? this.known({ threadId, namespace, checkpointId })
      : this.knowsLatest(threadId, namespace);
    const pageSize = isKnown ? 2 : MAX_REACH + 1;
    const reading = this.read(threadId, namespace, { upTo: checkpointId || undefined, pageSize });
    const page: Candidate[] = [];
    while (page.length < pageSize) {
      const next = await reading.next();
      if (next.done) break;
      const { ref, head, keptUntil } = next.value;
      if (head) nearby.set(ref.checkpointId, { head, ...(keptUntil !== undefined && { keptUntil }) });
      page.push(next.value);
    }
    return (async function* () {
      yield* page;
      yield* reading;
    })();
  }

  /** The state of a checkpoint that is known by its id; undefined when there is none. */
  async find(ref: CheckpointRef): Promise<Loaded | undefined> {
    const known = this.known(ref);
    if (known) return known;
    const nearby: Nearby = new Map();
    await this.gather(ref, nearby);
    const own = nearby.get(ref.checkpointId);
    return own && this.load(ref, own.head, nearby);
  }

  known(ref: CheckpointRef): Loaded | undefined {
    return this.cache.get(cacheKey(ref));
  }

  /** Whether a state of the namespace that was the newest when it was seen is in memory. */
  knowsLatest(threadId: string, namespace: string): boolean {
    const checkpointId = this.newest.get(cacheKey({ threadId, namespace, checkpointId: "" }));
    return checkpointId !== undefined && this.known({ threadId, namespace, checkpointId }) !== undefined;
  }

  keep(loaded: Loaded): void {
    const { ref } = loaded;
    this.cache.set(cacheKey(ref), loaded);
    const place = cacheKey({ ...ref, checkpointId: "" });
    if (ref.checkpointId > (this.newest.get(place) ?? "")) this.newest.set(place, ref.checkpointId);
  }

  forget(threadId: string): void {
    for (const key of this.cache.keys())
      if (key.startsWith(`${JSON.stringify([threadId]).slice(0, -1)},`)) this.cache.delete(key);
  }

  /** Puts a checkpoint together from its head, those in `nearby`, and what is still to be read. */
  async load(ref: CheckpointRef, head: Head, nearby: Nearby): Promise<Loaded> {
    const known = this.known(ref);
    if (known?.head.fingerprint === head.fingerprint) return known;
    const what = whatOf(ref);
    const runs = [...head.channels.values()].flatMap((channel) => channel.runs);
    const ranges = storedRanges(runs);
    const [ancestors, stored] = await Promise.all([
      this.ancestors(ref, head, nearby, reachOf(runs), what),
      ranges.length > 0 ? this.segments.read(ref.threadId, ranges) : undefined,
    ]);
    const inline = new Map([...ancestors].map(([depth, ancestor]) => [depth, inlineOf(ancestor)]));
    const channels = new Map<string, Channel>();
    for (const [name, { type, runs, crc }] of head.channels) {
      const slices = toSlices(
        runs,
        head.depth,
        (depth) => inline.get(depth)?.get(name)?.length ?? 0,
        (lineage, ordinal) => {
          const segment = stored?.get(nameOf({ lineage, ordinal }))?.segment;
          if (!segment) throw corrupt(`${what}, channel ${name}: segment ${lineage}#${ordinal}`);
          return segment;
        },
      );
      const bytes = Buffer.concat(
        slices.map(({ segment, from, to }) => {
          const source = isInline(segment) ? inline.get(segment.depth)?.get(name) : stored?.get(nameOf(segment))?.bytes;
          return source?.subarray(from, to) ?? Buffer.alloc(0);
        }),
      );
      if (crc32(bytes) !== crc) throw corrupt(`${what}, channel ${name}`);
      channels.set(name, { type, slices, bytes, crc });
    }
    const keptUntil = nearby.get(ref.checkpointId)?.keptUntil;
    const lineage = [...ancestors.values()].sort((a, b) => a.depth - b.depth).map(toAncestor);
    const loaded = { ref, head, state: toState(head, keptUntil, lineage, channels) };
    this.keep(loaded);
    return loaded;
  }

  /** The head itself and those so many heads back, by depth. */
  private async ancestors(
    ref: CheckpointRef,
    head: Head,
    nearby: Nearby,
    reach: number,
    what: string,
  ): Promise<Map<number, Head>> {
    const found = new Map([[head.depth, head]]);
    for (let at = head; head.depth - at.depth < reach; ) {
      const checkpointId = at.base ?? at.parent;
      if (checkpointId === undefined) throw corrupt(`${what}: it refers to more heads than there are`);
      if (!nearby.has(checkpointId)) await this.gather({ ...ref, checkpointId }, nearby);
      const parent = nearby.get(checkpointId)?.head;
      if (!parent || parent.depth !== at.depth - 1) throw corrupt(`${what}: the head of checkpoint ${checkpointId}`);
      found.set(parent.depth, parent);
      at = parent;
    }
    return found;
  }

  /** Reads the head, and as many before it as it may refer to: most often those are its ancestors. */
  private async gather(ref: CheckpointRef, nearby: Nearby): Promise<void> {
    let left = MAX_REACH + 1;
    for await (const {
      head,
      keptUntil,
      ref: { checkpointId },
    } of this.read(ref.threadId, ref.namespace, {
      upTo: ref.checkpointId,
      pageSize: left,
    })) {
      if (checkpointId === ref.checkpointId && !head) throw corrupt(whatOf(ref));
      if (head) nearby.set(checkpointId, { head, ...(keptUntil !== undefined && { keptUntil }) });
      if (--left === 0) return;
    }
  }
}

/** A head's item, read. */
export async function toCandidate(item: Item, codec: Codec): Promise<Candidate> {
  const ref = parseHeadKey(item);
  const payload = await codec.decode(item.d, item);
  const head = payload && readHead(ref.checkpointId, payload, fingerprintOf(item.d as Uint8Array));
  return { ref, head, ...(typeof item.expiresAt === "number" && { keptUntil: item.expiresAt }) };
}

/** Undefined for the bytes of another format as well as for damaged ones. */
function readHead(...payload: Parameters<typeof decodeHead>): Head | undefined {
  try {
    return decodeHead(...payload);
  } catch {
    return undefined;
  }
}

/** What children of a head are compared with. */
export function toState(
  { depth, life, sourcesUntil }: Omit<Head, "fingerprint">,
  keptUntil: number | undefined,
  lineage: Ancestor[],
  channels: Map<string, Channel>,
): State {
  return {
    depth,
    ...(life !== undefined && { life }),
    ...(keptUntil !== undefined && { keptUntil }),
    ...(sourcesUntil !== undefined && { sourcesUntil }),
    lineage,
    channels,
  };
}

export function toAncestor(head: Pick<Head, "depth" | "channels" | "retained">): Ancestor {
  const inline = [...inlineOf(head)].filter(([, bytes]) => bytes.length > 0);
  return { depth: head.depth, inline: new Map(inline.map(([name, bytes]) => [name, bytes.length])) };
}

const cacheKey = ({ threadId, namespace, checkpointId }: CheckpointRef) =>
  JSON.stringify([threadId, namespace, checkpointId]);

/** The values, and a guess at the rest. */
const sizeOf = ({ head, state }: Loaded): number =>
  [...state.channels.values()].reduce((sum, { bytes }) => sum + bytes.length, 2000) + head.body.bytes.length;
