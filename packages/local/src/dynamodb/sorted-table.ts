/** Keys with JSON texts, in the order of the keys. Entries that were read out stay as they were then. */
export interface Range {
  gt?: string | undefined;
  gte?: string | undefined;
  lt?: string | undefined;
  lte?: string | undefined;
  reverse?: boolean | undefined;
  /** The most entries to give; all when left out or negative. */
  limit?: number | undefined;
}

export type Entry = readonly [key: string, json: string];

export class SortedTable {
  private readonly texts = new Map<string, string>();
  /** Sorted; made when it is first needed, so that filling the table costs one sort. */
  private keys: string[] | undefined;

  get(key: string): string | undefined {
    return this.texts.get(key);
  }

  set(key: string, json: string): void {
    if (this.keys && !this.texts.has(key)) this.keys.splice(rank(this.keys, key), 0, key);
    this.texts.set(key, json);
  }

  delete(key: string): void {
    if (this.texts.delete(key)) this.keys?.splice(rank(this.keys, key), 1);
  }

  entries(range: Range = {}): Entry[] {
    const { gt, gte, lt, lte, reverse = false, limit = -1 } = range;
    this.keys ??= [...this.texts.keys()].sort();
    const { keys } = this;
    const from = gt !== undefined ? rankAfter(keys, gt) : gte !== undefined ? rank(keys, gte) : 0;
    const to = lt !== undefined ? rank(keys, lt) : lte !== undefined ? rankAfter(keys, lte) : keys.length;
    const most = limit < 0 ? Math.max(0, to - from) : Math.min(limit, Math.max(0, to - from));
    const found = reverse ? keys.slice(to - most, to).reverse() : keys.slice(from, from + most);
    return found.map((key) => [key, this.texts.get(key) as string]);
  }
}

/** The number of keys that are smaller. */
function rank(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rankAfter(keys: readonly string[], key: string): number {
  const at = rank(keys, key);
  return keys[at] === key ? at + 1 : at;
}
