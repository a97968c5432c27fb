/** Decides which stored checkpoints a reader sees. */
import type { Clock } from "../../clock.ts";
import { contains } from "../../contains.ts";
import type { Incarnation } from "../../incarnation.ts";
import { unlessCorrupt } from "../corrupt.ts";
import type { StoredHead } from "../items/head.ts";
import type { CheckpointRef } from "../items/keys.ts";
import type { Values } from "../items/values.ts";

interface Stored {
  ref: CheckpointRef;
  head: StoredHead;
}

export class Seen {
  private readonly values: Values;
  private readonly clock: Clock;

  constructor(values: Values, clock: Clock) {
    this.values = values;
    this.clock = clock;
  }

  /** True when it has not expired, is of the thread's incarnation, and its run was not rolled back. */
  async isVisible(stored: Stored, incarnation: Incarnation): Promise<boolean> {
    const { expiresAt } = stored.head;
    const isExpired = expiresAt !== undefined && expiresAt * 1000 <= this.clock.now();
    return !isExpired && (await this.isOfIncarnation(stored, incarnation));
  }

  /** True when it is of the thread's incarnation, and its run was not rolled back. One that has expired may be needed by others. */
  async isOfIncarnation({ ref, head }: Stored, { id, undone }: Incarnation): Promise<boolean> {
    if (id !== undefined && head.incarnation !== id) return false;
    if (undone.length === 0) return true;
    const metadata = (await this.values.metadata(ref, head).catch(unlessCorrupt)) as
      | { run_id?: string | undefined }
      | undefined;
    return metadata?.run_id === undefined || !undone.includes(metadata.run_id);
  }

  /** True when its metadata contain these entries (`contains`). One whose metadata cannot be loaded is to be shown, as damaged. */
  async meets({ ref, head }: Stored, filter: Record<string, unknown>): Promise<boolean> {
    const metadata = await this.values.metadata(ref, head).catch(unlessCorrupt);
    const entries = metadata as Record<string, unknown> | undefined;
    return entries === undefined || contains(entries, filter);
  }
}
