/**
 * The places for runs of one process, and which thread is next for one that becomes free.
 *
 * A place belongs to a user from when a run of theirs is looked for until that run has ended. A user gets a place while they
 * have fewer than `SHARE` times those that are free, and more than one is: one alone gets four of five, and whoever comes
 * next finds some free, however many runs the first one has waiting. (A dynamic threshold, as network switches share their buffers: Choudhury and Hahne,
 * IEEE/ACM Transactions on Networking 6, 1998.) A free place goes to the waiting user with the fewest, of those with equally
 * many to the one served longest ago, and there to the thread that has waited longest.
 *
 * @example
 * const places = new Places(() => 10);
 * const free = places.take("ada"); // undefined where she has to wait
 * free?.();
 */
const SHARE = 4;

export interface Next {
  threadId: string;
  user: string;
  /** Gives the place back, which has been taken. Idempotent. */
  free: () => void;
}

export class Places {
  private readonly limit: () => number;
  private taken = 0;
  private readonly takenBy = new Map<string, number>();
  /** Threads that wait, by user: the user who was served longest ago first. */
  private readonly waiting = new Map<string, Set<string>>();
  private readonly userOf = new Map<string, string>();

  /** `limit`: how many runs may be under way at once, now. */
  constructor(limit: () => number) {
    this.limit = limit;
  }

  get hasWaiting(): boolean {
    return this.userOf.size > 0;
  }

  get size(): number {
    return this.taken;
  }

  isOpenTo(user: string): boolean {
    const held = this.takenBy.get(user) ?? 0;
    const free = this.limit() - this.taken;
    // The last one is for whoever has none.
    return held === 0 ? free > 0 : free > 1 && held < SHARE * free;
  }

  /** Takes a place for a user, and says how it is given back; undefined where there is none for this user. */
  take(user: string): (() => void) | undefined {
    if (!this.isOpenTo(user)) return undefined;
    this.count(user, 1);
    let isTaken = true;
    return () => {
      if (isTaken) this.count(user, -1);
      isTaken = false;
    };
  }

  private count(user: string, change: 1 | -1): void {
    this.taken += change;
    const left = (this.takenBy.get(user) ?? 0) + change;
    if (left === 0) this.takenBy.delete(user);
    else this.takenBy.set(user, left);
  }

  /** Lets a thread wait for a place. One that waits keeps its turn. */
  wait(threadId: string, user: string): void {
    if (this.userOf.has(threadId)) return;
    this.userOf.set(threadId, user);
    const threads = this.waiting.get(user) ?? new Set();
    this.waiting.set(user, threads.add(threadId));
  }

  isWaiting(threadId: string): boolean {
    return this.userOf.has(threadId);
  }

  /** Takes a place for the thread whose turn it is; undefined where nobody who waits may have one. */
  next(): Next | undefined {
    let user: string | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const one of this.waiting.keys()) {
      const held = this.takenBy.get(one) ?? 0;
      if (held >= fewest || !this.isOpenTo(one)) continue;
      user = one;
      fewest = held;
    }
    if (user === undefined) return undefined;
    const [threadId = ""] = this.waiting.get(user) ?? [];
    const free = this.take(user);
    if (!free) return undefined;
    const left = this.forget(threadId);
    // Served now, so last of those with equally many.
    if (left) this.waiting.delete(user);
    if (left) this.waiting.set(user, left);
    return { threadId, user, free };
  }

  /** Lets a thread wait no more, and gives the user's threads that still do. */
  private forget(threadId: string): Set<string> | undefined {
    const user = this.userOf.get(threadId);
    const threads = user === undefined ? undefined : this.waiting.get(user);
    this.userOf.delete(threadId);
    threads?.delete(threadId);
    if (user !== undefined && threads?.size === 0) this.waiting.delete(user);
    return threads?.size ? threads : undefined;
  }

  /** Gives up all that wait, and says which. */
  clear(): string[] {
    const threads = [...this.userOf.keys()];
    this.userOf.clear();
    this.waiting.clear();
    return threads;
  }
}
