import { atMost } from "../deadline.ts";
import type { CheckpointRef } from "./items/keys.ts";
import { lruOf } from "./lru.ts";

/** A wait is in so many pieces: where the process itself is held up, by work or for want of CPU, it is longer by the clock. */
const PIECES = 20;

/**
 * Keeps the puts of one saver in order: each waits for those of its own id, and of its parent, that were begun before it.
 * LangGraph may put a checkpoint while its parent's put is under way, and one that does not find its parent would be stored
 * without what it takes from it.
 */
export class PutOrder {
  private readonly last = new Map<string, Promise<unknown>>();
  /** Ids whose put has ended. */
  private readonly over = lruOf<string>(10_000);
  /** Called when a put of an id begins. */
  private readonly waiting = new Map<string, Set<() => void>>();

  /** Runs `put` with what `ready` comes to. To be called before anything is awaited. */
  async run<T, R>(
    ref: CheckpointRef,
    parentId: string | undefined,
    ready: Promise<T>,
    put: (ready: T) => Promise<R>,
  ): Promise<R> {
    const name = nameOf(ref);
    const before = [this.last.get(name)];
    if (parentId !== undefined) before.push(this.last.get(nameOf({ ...ref, checkpointId: parentId })));
    const running = Promise.all([ready, Promise.allSettled(before)]).then(([value]) => put(value));
    this.last.set(name, running);
    for (const begin of this.waiting.get(name) ?? []) begin();
    try {
      return await running;
    } finally {
      this.over.set(name, "over");
      if (this.last.get(name) === running) this.last.delete(name);
    }
  }

  /** Resolves when the put of this id has ended, in whatever way. One that has not begun is waited for no longer than `waitMs`. */
  async ended(ref: CheckpointRef, waitMs: number): Promise<void> {
    const name = nameOf(ref);
    if (!this.last.has(name) && !this.over.has(name) && waitMs > 0) {
      const waiting = this.waiting.get(name) ?? new Set();
      this.waiting.set(name, waiting);
      let begin = () => {};
      let hasBegun = false;
      const begun = new Promise<void>((resolve) => {
        begin = () => {
          hasBegun = true;
          resolve();
        };
      });
      waiting.add(begin);
      for (let piece = 0; piece < PIECES && !hasBegun; piece++) await atMost(waitMs / PIECES, begun);
      waiting.delete(begin);
      if (waiting.size === 0) this.waiting.delete(name);
    }
    await this.last.get(name)?.catch(() => {});
  }
}

const nameOf = ({ threadId, namespace, checkpointId }: CheckpointRef): string =>
  JSON.stringify([threadId, namespace, checkpointId]);
