import type { Head, StoredHead } from "../items/head.ts";
import type { CheckpointRef } from "../items/keys.ts";
import type { Values } from "../items/values.ts";

interface Stored {
  ref: CheckpointRef;
  head: StoredHead;
  /** Undefined when its keyframe cannot be read. */
  whole: Head | undefined;
}

/**
 * The ancestors along which the delta channels of a checkpoint are rebuilt, from their writes: back to the last value of each. LangGraph's metadata names
 * those channels. `parentOf` is asked for the checkpoint of an id in the same namespace.
 */
export async function deltaAncestors<T extends Stored>(
  values: Values,
  of: T,
  parentOf: (checkpointId: string) => T | undefined,
): Promise<Set<T>> {
  const metadata = (await values.metadata(of.ref, of.head)) as { counters_since_delta_snapshot?: object | undefined };
  const open = new Set(Object.keys(metadata.counters_since_delta_snapshot ?? {}));
  const passed = new Set<T>();
  for (let at: T | undefined = of; at && !passed.has(at); ) {
    if (at !== of) passed.add(at);
    for (const name of at.whole?.contents.channels.keys() ?? []) open.delete(name);
    at = open.size > 0 && at.head.parent !== undefined ? parentOf(at.head.parent) : undefined;
  }
  return passed;
}
