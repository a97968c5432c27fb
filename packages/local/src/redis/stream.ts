/** A stream's entries in the order of their ids. An id is its milliseconds, shifted by 64 bits, and its sequence. */
export interface StreamEntry {
  id: bigint;
  /** Names and values, in turn. */
  fields: string[];
}

export class Stream {
  entries: StreamEntry[] = [];
  /** The id that was last added, whether or not it is still there. */
  last = 0n;
  /** The number of entries that the journal has; 0 when it has to be told all of them, as after a deletion. */
  journaled = 0;

  /** Never 0: a stream stays when it is empty. */
  get size(): number {
    return 1;
  }
}

/** As Redis writes it. */
export const streamId = (id: bigint): string => `${id >> 64n}-${id & (2n ** 64n - 1n)}`;
