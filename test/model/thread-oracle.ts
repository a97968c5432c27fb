/** Threads with lifetimes, as they are at each instant by the rules of docs/lifetimes.md: what a reader sees, without any sweep. */

/** A checkpoint with all that a reader gets of it. */
export interface Checkpointed {
  id: string;
  parent: Checkpointed | undefined;
  values: Record<string, unknown>;
  /** Values that tasks wrote beside it to a channel that is rebuilt from such writes. */
  log: string[];
  /** The checkpoint where that channel's value was stored whole. */
  snapshot: boolean;
}

/** A graph within the graph: its checkpoints, the oldest first, each with the id of the graph's checkpoint at which it ran. */
export type Within = (Checkpointed & { at: string })[];

export class ExpectedThread {
  ttlMs: number | undefined;
  strategy: "delete" | "keep_latest" = "delete";
  deadline: number | undefined;
  /** Runs in its queue. */
  queue: string[] = [];
  isPruned = false;
  /** The oldest first. */
  seen: Checkpointed[] = [];
  within = new Map<string, Within>();
  /** All that there ever were. */
  readonly all: Checkpointed[] = [];

  get latest(): Checkpointed | undefined {
    return this.seen.at(-1);
  }

  touch(now: number): void {
    this.deadline = this.ttlMs === undefined ? undefined : now + this.ttlMs;
  }

  /** The thread at an instant; false when it is gone. Nobody has its lease, as when a step of a history is over. */
  isThere(now: number): boolean {
    if (this.queue.length > 0) return true;
    const isLate = this.deadline !== undefined && now >= this.deadline;
    if (isLate && this.strategy === "delete") return false;
    if (isLate || this.isPruned) this.thin();
    this.isPruned = false;
    return true;
  }

  private thin(): void {
    this.seen = this.seen.slice(-1);
    for (const [namespace, all] of this.within) {
      const left = all.slice(-1).filter(({ at }) => !namespace.includes(":") || at === this.latest?.id);
      this.within.set(namespace, left);
    }
  }

  put(one: Checkpointed): void {
    this.seen.push(one);
    this.all.push(one);
  }
}

/** The parts that a channel of writes is rebuilt from: the writes along a checkpoint's ancestors, the oldest first, and the last whole value. */
export function historyOf(of: Checkpointed | undefined): { writes: string[]; seed: unknown } {
  const writes: string[] = [];
  for (let at = of?.parent; at; at = at.parent) {
    writes.unshift(...at.log);
    if (at.snapshot) return { writes, seed: at.values.log };
  }
  return { writes, seed: undefined };
}
