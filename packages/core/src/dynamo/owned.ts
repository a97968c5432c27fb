import type { Item, Key, Table } from "./table.ts";

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
   * `isThere` is asked, consistently, of an id that is not listed, such as one of a table that is older than the lists.
   */
  async *present(
    owner: string,
    items: AsyncIterable<Item>,
    { idOf, isThere }: { idOf: (item: Item) => string; isThere: (id: string) => Promise<boolean> },
  ): AsyncGenerator<Item> {
    const listed = new Set<string>();
    for await (const id of this.ids(owner)) listed.add(id);
    for await (const item of items) if (listed.has(idOf(item)) || (await isThere(idOf(item)))) yield item;
  }
}
