/** Ranges of a table and of its indexes, and how DynamoDB is asked for them. */

export interface IndexRange {
  descending?: boolean | undefined;
  /** The number of items that the first request asks for; all that fit in 1 MB when left out, as with each further one. */
  firstPage?: number | undefined;
  /** Only items whose `isk` is smaller than this. */
  below?: string | undefined;
}

export interface QueryRange {
  pk: string;
  /** Only items whose sort key begins with this; all of the partition when left out or empty. */
  prefix?: string | undefined;
  /** Only items whose sort key is smaller than this. DynamoDB takes one of `prefix`, `before` and `from` with `to`. */
  before?: string | undefined;
  /** Only items whose sort key is not smaller than `from` and not greater than `to`. */
  from?: string | undefined;
  to?: string | undefined;
  /** Also what has expired and is still there, which only a deletion wants. */
  withExpired?: boolean | undefined;
  descending?: boolean | undefined;
  /** The number of items that the first page asks for, doubled with each further one; all that fit in 1 MB when left out. */
  pageSize?: number | undefined;
}

/** Undefined for a range that no key is in: DynamoDB refuses some of these, and an empty text as the bound of a key. */
export function boundsOf(range: QueryRange): { condition: string; values: Record<string, string> } | undefined {
  const { prefix, before, from, to } = range;
  if (from !== undefined && to !== undefined) {
    if (to < from || to === "") return undefined;
    if (from === "") return { condition: " AND sk <= :to", values: { ":to": to } };
    return { condition: " AND sk BETWEEN :from AND :to", values: { ":from": from, ":to": to } };
  }
  if (prefix) return { condition: " AND begins_with(sk, :prefix)", values: { ":prefix": prefix } };
  if (before === "") return undefined;
  return before === undefined
    ? { condition: "", values: {} }
    : { condition: " AND sk < :before", values: { ":before": before } };
}
