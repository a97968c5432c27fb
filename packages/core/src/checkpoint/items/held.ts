/**
 * The latest checkpoints of threads that this process alone has held, one lease right after the other. Whoever holds such a thread now
 * need not read them: nobody else can have put anything that comes after them.
 *
 * A lease's fence is one more than that of the lease before it. So a process that had lease n and has lease n + 1 knows that nobody had the
 * thread between. What somebody sent under a lease before n can still land, and stands behind all that was put under n or later
 * (order.ts). What this process sent itself has been answered with success, all of it, or nothing is known here.
 *
 * A thread, as this process has it: unknown -> held since the fence at which it was first used -> held on by the next fence, if nothing is under
 * way and nothing has failed -> held anew by any other fence. A write that failed, or has no lease, makes it unsure until the next fence.
 */
import type { Incarnation } from "../../incarnation.ts";
import { lruOf } from "../lru.ts";
import type { CheckpointRef } from "./keys.ts";
import { isAbove } from "./order.ts";

/** Threads that are remembered: a checkpoint cache has the latest checkpoints of about so many. */
const MAX_THREADS = 2000;
/** Namespaces of a thread, and checkpoints of a namespace with writes, that are told apart. */
const MAX_NAMESPACES = 16;
const MAX_WRITTEN = 1000;

interface Namespace {
  latest?: { checkpointId: string; position: string } | undefined;
  /** Checkpoints that may have pending writes. */
  written: Set<string>;
}

interface Held {
  incarnation: string;
  fence: number;
  /** Writes that were not answered yet. */
  underWay: number;
  isUnsure: boolean;
  namespaces: Map<string, Namespace>;
}

export class HeldThreads {
  private readonly threads = lruOf<Held>(MAX_THREADS);

  /** The latest checkpoint of a namespace and its position, for the lease's holder; undefined where it has to be read. It has no pending writes. */
  latest(
    { threadId, namespace }: CheckpointRef,
    given: Incarnation,
  ): { checkpointId: string; position: string } | undefined {
    const held = this.under(threadId, given);
    const { latest, written } = held?.namespaces.get(namespace) ?? {};
    if (!held || held.isUnsure || held.underWay > 0 || !latest || written?.has(latest.checkpointId)) return undefined;
    return latest;
  }

  /** Carries out a write of the thread. To be called before anything is awaited. */
  async write<T>(threadId: string, given: Incarnation | undefined, write: () => Promise<T>): Promise<T> {
    const held = this.under(threadId, given);
    if (!held) return write();
    held.underWay += 1;
    try {
      return await write();
    } catch (error) {
      held.isUnsure = true;
      throw error;
    } finally {
      held.underWay -= 1;
    }
  }

  /** Notes that a checkpoint was put. `isAgain`: not for the first time, so that it may have writes. */
  notePut(
    { threadId, namespace, checkpointId }: CheckpointRef,
    given: Incarnation | undefined,
    position: string,
    isAgain: boolean,
  ): void {
    const held = this.under(threadId, given);
    if (!held) return;
    const of = namespaceOf(held, namespace);
    // Others of these are under way yet, perhaps.
    if (held.underWay <= 1) of.written = new Set(of.written.has(checkpointId) ? [checkpointId] : []);
    if (isAgain) of.written.add(checkpointId);
    if (!of.latest || !isAbove(of.latest.position, position)) of.latest = { checkpointId, position };
  }

  /** Notes that a checkpoint has, or may get, pending writes. */
  noteWrites({ threadId, namespace, checkpointId }: CheckpointRef, given: Incarnation | undefined): void {
    const held = this.under(threadId, given);
    const written = held && namespaceOf(held, namespace).written.add(checkpointId);
    if (written && written.size > MAX_WRITTEN) held.isUnsure = true;
  }

  forget(threadId: string): void {
    this.threads.delete(threadId);
  }

  /** Undefined without a lease of the thread's latest fence here. */
  private under(threadId: string, given: Incarnation | undefined): Held | undefined {
    const known = this.threads.get(threadId);
    const { id, fence } = given ?? {};
    if (id === undefined || fence === undefined || (known && known.incarnation === id && fence < known.fence)) {
      // A write of a caller without a lease, or of one that has lost it, is in no order with those under the lease.
      if (known) known.isUnsure = true;
      return undefined;
    }
    if (known?.incarnation === id && known.fence === fence) return known;
    const isNext = known?.incarnation === id && known.fence + 1 === fence && known.underWay === 0 && !known.isUnsure;
    if (isNext) {
      known.fence = fence;
      return known;
    }
    const held: Held = { incarnation: id, fence, underWay: 0, isUnsure: false, namespaces: new Map() };
    this.threads.set(threadId, held);
    return held;
  }
}

function namespaceOf({ namespaces }: Held, name: string): Namespace {
  const known = namespaces.get(name);
  if (known) return known;
  const made: Namespace = { written: new Set() };
  namespaces.set(name, made);
  const [oldest] = namespaces.keys();
  // A namespace that is dropped is read again when it is wanted.
  if (namespaces.size > MAX_NAMESPACES && oldest !== undefined) namespaces.delete(oldest);
  return made;
}
