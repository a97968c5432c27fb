/**
 * The projection of a thread's values: the small ones, kept in the thread's record and so in the index, by which a filter on
 * values is answered without a look at each thread's state. It is so small that a record with it costs no more to write.
 */
import { contains } from "@tenure/core/contains";
import type { Projection, Thread } from "@tenure/core/thread";

/** The most bytes of the values that a projection holds, as JSON, with their names. */
const MAX_BYTES = 256;

export function projectionOf(values: unknown): Projection {
  const fields = typeof values === "object" && values !== null ? Object.entries(values) : [];
  const small: Record<string, unknown> = {};
  let left = MAX_BYTES;
  let isPart = false;
  for (const [name, value] of fields) {
    const text = sizeHint(value) > left ? undefined : JSON.stringify(value);
    const bytes = text === undefined ? Infinity : Buffer.byteLength(text) + Buffer.byteLength(name) + 4;
    if (value === undefined) continue;
    if (bytes > left || name === "__proto__") isPart = true;
    else {
      small[name] = JSON.parse(text as string);
      left -= bytes;
    }
  }
  return { values: small, isPart };
}

/** At least so many bytes of JSON: what is surely too large is not written out to be measured. */
function sizeHint(value: unknown): number {
  if (typeof value === "string") return value.length;
  return Array.isArray(value) ? value.length : 0;
}

/** True when a thread's values have all of `wanted`; undefined when its projection does not tell. */
export function projectionMeets(thread: Thread, wanted: Record<string, unknown>): boolean | undefined {
  const { projection, inflight, damage } = thread;
  if (!projection || inflight.length > 0 || damage) return undefined;
  let isKnown = true;
  for (const [name, part] of Object.entries(wanted))
    if (Object.hasOwn(projection.values, name) || !projection.isPart) {
      if (!contains({ ...projection.values }, { [name]: part })) return false;
    } else isKnown = false;
  return isKnown ? true : undefined;
}
