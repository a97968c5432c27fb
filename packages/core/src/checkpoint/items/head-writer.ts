/**
 * Puts checkpoints, each in one write once its large parts are stored.
 *
 * The id of a checkpoint may be taken: with durability `exit`, LangGraph puts one on itself. Children may refer to the one
 * that is there, and another process may have it in memory and put more of them. So a head that is replaced keeps all that
 * can be referred to: its position on the way to the root, and the bytes that it was the first to have. The new bytes go into
 * stored segments. Of several puts at once one is the last, and the children of each are whole.
 *
 * A checkpoint whose position is not its id has a pointer there, written before the head: see order.ts.
 */
import { randomBytes } from "node:crypto";
import type { Table } from "../../dynamo/index.ts";
import { isTenureError } from "../../errors.ts";
import type { Incarnation } from "../../incarnation.ts";
import type { Codec, Dumped } from "../bytes/codec.ts";
import { MAX_REACH } from "../piece-table/channel-writer.ts";
import { headChannels, type Plan, plan, type State } from "../piece-table/plan.ts";
import { differenceTo, isLong, roomBeside } from "./contents.ts";
import { type Expiry, earliest, endOf, kept, latest, outlives } from "./expiry.ts";
import { encodeHead, fingerprintOf, type Head, keyframeFor, keyframeText, type StoredHead } from "./head.ts";
import { type Candidate, type HeadCache, pointerTo, toEntry } from "./head-reader.ts";
import { type Heads, toAncestor, toState } from "./heads.ts";
import { type CheckpointRef, headKey } from "./keys.ts";
import type { Loaded } from "./loaded.ts";
import { higher, isAbove, positionOf, type Shift, shiftAbove } from "./order.ts";
import type { PendingWrites } from "./pending-writes.ts";
import type { Segments } from "./segments.ts";
import type { Threads } from "./threads.ts";

interface Stores {
  table: Table;
  codec: Codec;
  heads: Heads;
  segments: Segments;
  threads: Threads;
  pendingWrites: PendingWrites;
}

/** A checkpoint that is to be put, serialized. */
export interface Content {
  /** The parent's id; the checkpoint's own id stands for the parent that it has already. */
  parentId: string | undefined;
  /** Positions that its own is to be above: that of another checkpoint that it is put on, and all others where it is a lease's holder that puts it. */
  above: { parent?: string | undefined; top?: string | undefined };
  incarnation: string | undefined;
  /** The incarnation that the caller named. */
  given: Incarnation | undefined;
  body: Dumped;
  metadata: Dumped;
  values: Map<string, Dumped>;
  /** Channels that have a value, with those whose value is left out. */
  valued: ReadonlySet<string>;
  /** Throws when something of it would not come back, before anything is stored. */
  check: (planned: Plan) => Promise<void>;
}

export class HeadWriter {
  private readonly stores: Stores;

  constructor(stores: Stores) {
    this.stores = stores;
  }

  /**
   * `parent` is what its values are compared with; undefined when there is none, or nothing whole. `enclosing` is a checkpoint of the same
   * incarnation in another namespace, of the graph that this one's is a part of.
   */
  async put(
    ref: CheckpointRef,
    content: Content,
    { parent: loaded, enclosing }: { parent: Loaded | undefined; enclosing: State | undefined },
    expiry: Expiry,
  ): Promise<void> {
    const parent = loaded?.state;
    const { table, codec, threads, heads, segments } = this.stores;
    if (heads.known(ref) && (await this.replace(ref, content, expiry))) return;
    const { parentId, above, incarnation, given, body, metadata, values, valued, check } = content;
    const refers = parent !== undefined && outlives(parent, expiry.expiresAt);
    const around = enclosing && outlives(enclosing, expiry.expiresAt) ? enclosing : undefined;
    const compared = refers ? parent : parent && { ...parent, channels: new Map() };
    const planned = plan(compared, values, newSeries, { enclosing: around, room: roomBeside(body) });
    await check(planned);
    const shift = shiftAbove(ref.checkpointId, higher(above.parent, above.top));
    await Promise.all([
      segments.write(ref.threadId, planned.segments, expiry, newSeries),
      shift && this.point(ref, shift, given?.fence, expiry.keptUntil),
    ]);
    const depth = parent ? parent.depth + 1 : 0;
    const sourcesUntil = earliest(refers ? endOf(parent) : expiry.keptUntil, around && endOf(around));
    const contents = { body, channels: headChannels(planned, depth, parent) };
    const keyframe = refers && loaded ? keyframeFor(loaded.head) : undefined;
    const difference = keyframe && differenceTo(keyframe, contents, depth);
    const head: Omit<Head, "fingerprint"> = {
      checkpointId: ref.checkpointId,
      depth,
      ...(parentId !== undefined && parentId !== ref.checkpointId && { parent: parentId }),
      shift,
      ...(given?.fence !== undefined && { fence: given.fence }),
      incarnation,
      expiresAt: expiry.expiresAt,
      sourcesUntil,
      contents,
      metadata,
      inline: planned.inline,
      keyframe: difference && keyframe,
    };
    const key = headKey(ref);
    const d = await codec.encode(encodeHead({ ...head, contents: difference ?? contents }), key);
    const item = { ...key, d, ...kept(expiry), ...(!refers && threads.indexKey(key)) };
    while (!(await table.putNew(item))) if (await this.replace(ref, content, expiry)) return;
    const ancestors = [...(parent?.ancestors ?? []), toAncestor(head)].slice(-MAX_REACH - 1);
    const state = toState(head, expiry.keptUntil, ancestors, planned);
    heads.keepPut({ ref, head: { ...head, fingerprint: fingerprintOf(d) }, state, valued }, given);
  }

  private async point(ref: CheckpointRef, shift: Shift, fence: number | undefined, until: number | undefined) {
    const { table, codec } = this.stores;
    await table.put({
      ...(await pointerTo(ref, shift, fence, codec)),
      expiresAt: until,
    });
  }

  /** False when there is no checkpoint of that id. */
  private async replace(ref: CheckpointRef, content: Content, expiry: Expiry): Promise<boolean> {
    const { table, codec, threads, heads, segments, pendingWrites } = this.stores;
    const { parentId, above, incarnation, given, body, metadata, values, valued, check } = content;
    const key = headKey(ref);
    for (;;) {
      const item = (await table.query({ pk: key.pk, from: key.sk, to: key.sk, withExpired: true }).next()).value;
      if (!item) return false;
      const { head: before, keptUntil } = await toEntry(item, codec);
      if (!before) {
        // Nobody can read it, nor what refers to it.
        await table.deleteAll([key]);
        return false;
      }
      const { depth } = before;
      const state = await stateOf(heads, { ref, head: before, keptUntil });
      const refers = outlives(state, expiry.expiresAt);
      if (!refers) await pendingWrites.makeWhole(ref, expiry);
      const compared = refers ? state : { ...state, channels: new Map() };
      const planned = plan(compared, values, newSeries, { isReplacing: true, room: roomBeside(body) });
      await check(planned);
      const until = latest(keptUntil, expiry.keptUntil);
      const isHigh = above.parent === undefined || isAbove(positionOf(ref.checkpointId, before.shift), above.parent);
      const shift = isHigh ? before.shift : shiftAbove(ref.checkpointId, above.parent);
      await Promise.all([
        segments.write(ref.threadId, planned.segments, expiry, newSeries),
        shift && this.point(ref, shift, given?.fence, until),
      ]);
      planned.inline = before.inline;
      const sourcesUntil = earliest(expiry.keptUntil, refers ? endOf(state) : undefined);
      const parent = parentId === ref.checkpointId ? before.parent : parentId;
      const base = before.base ?? before.parent;
      const head: Omit<Head, "fingerprint"> = {
        checkpointId: ref.checkpointId,
        depth,
        parent,
        ...(base !== undefined && base !== parent && { base }),
        shift,
        ...(given?.fence !== undefined && { fence: given.fence }),
        incarnation,
        expiresAt: expiry.expiresAt,
        sourcesUntil,
        contents: { body, channels: headChannels(planned, depth, state) },
        metadata,
        inline: before.inline,
        original: originalOf(before),
      };
      const d = await codec.encode(encodeHead(head), key);
      const sets = Object.entries({ d, expiresAt: until, ...(!refers && threads.indexKey(key)) });
      const set = sets.filter(([, value]) => value !== undefined);
      const done = await table.update(key, {
        expression: `SET ${set.map(([name]) => `${name} = :${name}`).join(", ")}${until === undefined ? " REMOVE expiresAt" : ""}`,
        condition: "d = :before",
        names: {},
        values: Object.fromEntries([[":before", item.d], ...set.map(([name, value]) => [`:${name}`, value])]),
        isOwn: (found) => d.equals(found.d as Uint8Array),
      });
      if (!done) continue;
      const next = toState(head, until, state.ancestors, planned);
      heads.keepPut({ ref, head: { ...head, fingerprint: fingerprintOf(d) }, state: next, valued }, given);
      return true;
    }
  }
}

/** The text that a head which is replaced retains: others may have a difference to it. */
function originalOf(before: StoredHead): Buffer | undefined {
  const text = keyframeText(before);
  return before.original ?? (text && isLong(text) ? text : undefined);
}

/** The state that a checkpoint's successor is compared with; empty when the checkpoint is not whole. */
async function stateOf(heads: Heads, { ref, head, keptUntil }: Candidate & { head: StoredHead }): Promise<State> {
  const cache: HeadCache = new Map([[ref.checkpointId, { head, keptUntil }]]);
  try {
    return (await heads.load(ref, head, cache)).state;
  } catch (error) {
    if (!isTenureError(error, "store-corrupt")) throw error;
    return toState(head, keptUntil, [toAncestor(head)], { channels: new Map() });
  }
}

const newSeries = () => randomBytes(6).toString("base64url");
