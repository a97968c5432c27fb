/**
 * A deleted thread stays deleted: what a run that knew nothing of it writes afterwards is not seen. The deletion leaves a
 * tombstone that names the thread's next life. A head belongs to the life of its parent; one without a parent, to the
 * life that the tombstone names when it is put. Where there is a tombstone, heads of other lives are absent.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Table } from "../dynamo/index.ts";
import { tombstoneKey } from "./keys.ts";

/** No run writes on for so long after its thread was deleted. */
const TOMBSTONE_TTL_MS = 30 * 24 * 60 * 60 * 1000;

export class Tombstones {
  private readonly table: Table;
  private readonly clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.table = table;
    this.clock = clock;
  }

  /** The life that the thread is in, if it was deleted lately. */
  async life(threadId: string): Promise<string | undefined> {
    const tombstone = await this.table.get(tombstoneKey(threadId));
    return tombstone && String(tombstone.life);
  }

  /** Begins another life: from now on, all that is there is absent. */
  async bury(threadId: string): Promise<void> {
    const expiresAt = Math.ceil((this.clock.now() + TOMBSTONE_TTL_MS) / 1000);
    await this.table.put({ ...tombstoneKey(threadId), life: randomBytes(6).toString("base64url"), expiresAt });
  }
}
