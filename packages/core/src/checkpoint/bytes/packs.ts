/** Packs: many pending writes of one task as one blob. Pure: no I/O. */
import { corrupt } from "../corrupt.ts";
import { isDifference, wholeType } from "../piece-table/difference.ts";

/** A write, serialized, and the run that wrote it, if that is known. */
export type Write = [index: number, channel: string, type: string, value: Uint8Array, run?: string];
/** A write of a pack: its value is in base64. */
type PackedWrite = [index: number, channel: string, type: string, value: string, run?: string];

/** The end of a write of that run. */
export const by = (run: string | undefined): [run?: string] => (run === undefined ? [] : [run]);

export const packOf = (writes: Write[]): Buffer =>
  Buffer.from(
    JSON.stringify(
      writes.map(
        ([index, channel, type, bytes, run]): PackedWrite => [
          ...([index, channel, type, Buffer.from(bytes).toString("base64")] as const),
          ...by(run),
        ],
      ),
    ),
  );

/** Throws `store-corrupt`, naming `what`, when this is not what `packOf` makes. */
export function parsePack(bytes: Uint8Array, what: string): Write[] {
  try {
    return (JSON.parse(Buffer.from(bytes).toString("utf8")) as PackedWrite[]).map(
      ([index, channel, type, value, run]): Write => [index, channel, type, Buffer.from(value, "base64"), ...by(run)],
    );
  } catch {
    throw corrupt(what);
  }
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
