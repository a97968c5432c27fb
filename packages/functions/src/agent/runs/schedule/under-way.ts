/**
 * Work that is under way in this process: of each thread one piece after the other, and pieces of no thread's turn beside them.
 *
 * @example
 * const work = new UnderWay();
 * void work.inTurn("thread-1", () => begin("thread-1")).catch(() => {});
 * await work.idle();
 */
export class UnderWay {
  /** The last piece of each thread's. */
  private readonly turns = new Map<string, Promise<void>>();
  private readonly others = new Set<Promise<void>>();

  /** Does a thread's work once all before it is over, however that has ended. */
  inTurn(threadId: string, work: () => Promise<void>): Promise<void> {
    const before = this.turns.get(threadId) ?? Promise.resolve();
    const next = before
      .catch(() => {})
      .then(work)
      .finally(() => {
        if (this.turns.get(threadId) === next) this.turns.delete(threadId);
      });
    this.turns.set(threadId, next);
    return next;
  }

  /** Counts work in until it is over. It must not fail. */
  add(work: Promise<void>): void {
    this.others.add(work);
    void work.finally(() => this.others.delete(work));
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.turns.size + this.others.size > 0) await Promise.allSettled([...this.turns.values(), ...this.others]);
  }
}
