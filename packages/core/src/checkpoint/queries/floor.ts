/**
 * Decides which checkpoints are seen below a thread's floor: of those that were put under its fence or a lower one, the latest state alone. That is
 * the newest checkpoint of the graph; of a graph within it the newest, where that belongs to a task of the graph's newest checkpoint, or
 * where the namespace names no task, since such a graph goes on from run to run. What is put later is above the floor.
 */
import type { Floor, Incarnation } from "../../incarnation.ts";
import type { StoredHead } from "../items/head.ts";
import type { Heads } from "../items/heads.ts";
import type { CheckpointRef } from "../items/keys.ts";
import type { Values } from "../items/values.ts";
import type { Seen } from "./seen.ts";

interface Stored {
  ref: CheckpointRef;
  head: StoredHead;
}

interface Parts {
  heads: Heads;
  seen: Seen;
  values: Values;
}

export const isBelow = ({ fence = 0 }: Pick<StoredHead, "fence">, floor: Floor): boolean => fence <= floor.fence;

export class Floors {
  private readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** A thread as it is seen by one read, which remembers what it has looked up. */
  view(threadId: string, incarnation: Incarnation): FloorView {
    return new FloorView(this.parts, threadId, incarnation);
  }
}

export class FloorView {
  private readonly parts: Parts;
  private readonly threadId: string;
  private readonly incarnation: Incarnation;
  /** Ids of the newest checkpoints below the floor, by namespace. */
  private readonly newest = new Map<string, Promise<string>>();

  constructor(parts: Parts, threadId: string, incarnation: Incarnation) {
    this.parts = parts;
    this.threadId = threadId;
    this.incarnation = incarnation;
  }

  /** True for a checkpoint above the floor, and for those below that are the latest state. To be asked of visible ones. */
  async admits({ ref, head }: Stored): Promise<boolean> {
    const { floor } = this.incarnation;
    if (!floor || !isBelow(head, floor)) return true;
    const { namespace, checkpointId } = ref;
    if (namespace === "") return checkpointId === (await this.root());
    if (checkpointId !== (await this.newestOf(namespace))) return false;
    if (!namespace.includes(":")) return true;
    const metadata = await this.parts.values.metadata(ref, head);
    return metadata.parents?.[""] === (await this.root());
  }

  /** Tells that a checkpoint is the first below the floor of those that were met, newest first: then it need not be looked up. */
  meet({ ref: { namespace, checkpointId }, head }: Stored): void {
    const { floor } = this.incarnation;
    if (floor && isBelow(head, floor) && !this.newest.has(namespace))
      this.newest.set(namespace, Promise.resolve(checkpointId));
  }

  /** The id of the graph's newest checkpoint below the floor; "" when there is none. */
  root(): Promise<string> {
    const { root } = this.incarnation.floor ?? {};
    return root === undefined ? this.newestOf("") : Promise.resolve(root);
  }

  private newestOf(namespace: string): Promise<string> {
    const known = this.newest.get(namespace) ?? this.find(namespace);
    this.newest.set(namespace, known);
    return known;
  }

  private async find(namespace: string): Promise<string> {
    const { parts, threadId, incarnation } = this;
    const { floor } = incarnation;
    const all = { threadId, namespace, checkpointId: "" };
    for await (const { ref, head } of await parts.heads.candidates(all, undefined, new Map()))
      if (floor && head && isBelow(head, floor) && (await parts.seen.isVisible({ ref, head }, incarnation)))
        return ref.checkpointId;
    return "";
  }
}
