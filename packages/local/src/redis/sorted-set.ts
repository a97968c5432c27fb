export type Scored = readonly [member: string, score: number];

/** Members ordered by score, then by bytes. The order is sorted again only when read after a change. */
export class SortedSet {
  private readonly scores = new Map<string, number>();
  private order: Scored[] | undefined;

  get size(): number {
    return this.scores.size;
  }

  score(member: string): number | undefined {
    return this.scores.get(member);
  }

  set(member: string, score: number): void {
    this.scores.set(member, score);
    this.order = undefined;
  }

  delete(member: string): boolean {
    this.order = undefined;
    return this.scores.delete(member);
  }

  ascending(): readonly Scored[] {
    this.order ??= [...this.scores].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
    return this.order;
  }
}
