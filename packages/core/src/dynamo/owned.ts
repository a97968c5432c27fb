import { ahead } from "../parallel.ts";
import type { Item, Key, Table } from "./table.ts";

/** Ids that are asked for at once. */
const AT_ONCE = 8;

/**
 * The ids of what an owner has of one kind. They are items of the owner's own partition and so read consistently, which an
 * index is not: a deletion finds all that was acknowledged before it. An id may be listed whose record is not there: a request to list
 * it can land once more after the deletion. It goes with the account.
 */
export class Owned {
  private readonly table: Table;
  private readonly kind: string;

  constructor(table: Table, kind: "thread" | "assistant") {
    this.table = table;
    this.kind = kind;
  }

  /** Idempotent. `expiresAt`, in epoch seconds, is for a record that has a lifetime. To be awaited before the record itself is written: a deletion of the record then comes after this. */
  add(owner: string, id: string, expiresAt?: number): Promise<void> {
    return this.table.put({ ...this.keyOf(owner, id), ...(expiresAt !== undefined && { expiresAt }) });
  }

  /** To be deleted along with the record. */
  keyOf(owner: string, id: string): Key {
    return { pk: `owner#${owner}`, sk: `${this.kind}#${id}` };
  }

  async *ids(owner: string): AsyncGenerator<string> {
    const { pk, sk: prefix } = this.keyOf(owner, "");
    for await (const { sk } of this.table.query({ pk, prefix })) yield sk.slice(prefix.length);
  }

  /**
   * Items that an index has of an owner, without those that were deleted before this was called: an index may be behind.
   * `isThere` is asked, consistently, of an id that is not listed, such as one of a table that is older than the lists. It is asked of each of
   * the `first` items, which then takes the same however many the owner has; for more, all ids are read.
   */
  async *present(
    owner: string,
    items: AsyncIterable<Item>,
    {
      idOf,
      isThere,
      first = 0,
    }: { idOf: (item: Item) => string; isThere: (id: string) => Promise<boolean>; first?: number },
  ): AsyncGenerator<Item> {
    const some: Item[] = [];
    let listed: Set<string> | undefined;
    for await (const item of items) {
      if (some.length < first) {
        some.push(item);
        if (some.length === first) yield* this.those(some, idOf, isThere);
        continue;
      }
      listed ??= await this.all(owner);
      if (listed.has(idOf(item)) || (await isThere(idOf(item)))) yield item;
    }
    if (some.length < first) yield* this.those(some, idOf, isThere);
  }

  private async *those(some: Item[], idOf: (item: Item) => string, isThere: (id: string) => Promise<boolean>) {
    const asked = ahead(each(some), AT_ONCE, async (item) => ({ item, is: await isThere(idOf(item)) }));
    for await (const { item, is } of asked) if (is) yield item;
  }

  private async all(owner: string): Promise<Set<string>> {
    const listed = new Set<string>();
    for await (const id of this.ids(owner)) listed.add(id);
    return listed;
  }
}

async function* each<T>(all: T[]): AsyncGenerator<T> {
  yield* all;
}
