/** The records of threads as this process has seen them last, by its own reads and writes. */
import type { Clock } from "../clock.ts";
import type { Item } from "../dynamo/index.ts";
import { type ThreadRecord, threadKey, toThread } from "./records.ts";

/** A record has a few kilobytes, and 130 at most. */
const MAX_RECORDS = 256;

/**
 * A record here is good for a write on condition that nobody has written since, and for no other decision. An
 * expired record is absent, as it is to every reader.
 */
export class Recent {
  private readonly clock: Clock;
  private readonly items = new Map<string, Item>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Notes a record as it was read or written. */
  note(item: Item): void {
    this.items.delete(item.pk);
    this.items.set(item.pk, item);
    for (const oldest of this.items.keys()) {
      if (this.items.size <= MAX_RECORDS) break;
      this.items.delete(oldest);
    }
  }

  /** Gives a record away: whoever reads or writes it notes it again. */
  take(threadId: string): ThreadRecord | undefined {
    const { pk } = threadKey(threadId);
    const item = this.items.get(pk);
    this.items.delete(pk);
    const isExpired = typeof item?.expiresAt === "number" && item.expiresAt * 1000 <= this.clock.now();
    return item && !isExpired ? toThread(item, this.clock.now()) : undefined;
  }
}
