/**
 * Packs: many pending writes of one task as one blob. A pack is a line of JSON, `[[index, channel, type, length, run]…]`, a newline, and the
 * bytes of the writes one behind the other. Format 1 had the bytes in base64 in the line, without a newline. Pure: no I/O.
 */
import { corrupt } from "../corrupt.ts";
import { isDifference, wholeType } from "../piece-table/difference.ts";

/** A write, serialized, and the run that wrote it, if that is known. */
export type Write = [index: number, channel: string, type: string, value: Uint8Array, run?: string];
/** A write as the line of a pack has it: with the length of its bytes, or with the bytes in base64. */
type PackedWrite = [index: number, channel: string, type: string, value: number | string, run?: string];

/** The end of a write of that run. */
export const by = (run: string | undefined): [run?: string] => (run === undefined ? [] : [run]);

export function packOf(writes: Write[]): Buffer {
  const line = writes.map(
    ([index, channel, type, { length }, run]): PackedWrite => [
      ...([index, channel, type, length] as const),
      ...by(run),
    ],
  );
  return Buffer.concat([Buffer.from(`${JSON.stringify(line)}\n`), ...writes.map(([, , , bytes]) => bytes)]);
}

/** Throws `store-corrupt`, naming `what`, when this is not what `packOf` makes. */
export function parsePack(pack: Uint8Array, what: string): Write[] {
  const end = pack.indexOf(10);
  let at = end + 1;
  const take = (length: number): Uint8Array => {
    at += length;
    return pack.subarray(at - length, at);
  };
  try {
    const line = Buffer.from(end < 0 ? pack : pack.subarray(0, end)).toString("utf8");
    const writes = (JSON.parse(line) as PackedWrite[]).map(([index, channel, type, value, run]): Write => {
      const bytes = typeof value === "string" ? Buffer.from(value, "base64") : take(value);
      return [index, channel, type, bytes, ...by(run)];
    });
    if (end < 0 || at === pack.length) return writes;
  } catch {
    // A line that is no JSON begins no pack.
  }
  throw corrupt(what);
}

/** The writes of a pack, with differences made whole; one that `expand` cannot read stays as it is. */
export const wholePack = (
  writes: Write[],
  expand: (bytes: Uint8Array) => Promise<Uint8Array | undefined>,
): Promise<Write[]> =>
  Promise.all(
    writes.map(async (write): Promise<Write> => {
      const [index, channel, type, bytes, ...run] = write;
      const whole = isDifference(type) ? await expand(bytes) : undefined;
      return whole ? [index, channel, wholeType(type), whole, ...run] : write;
    }),
  );
