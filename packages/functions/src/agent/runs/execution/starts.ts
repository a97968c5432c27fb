/**
 * Parts an event's text after what it has in common with an earlier one of the same name. A `values` event has the whole state, and
 * most of that is as it was a step before: the log has it once.
 *
 * An event's start is taken of one that is stored whole, so that a reader needs no third. One is stored whole again once those since
 * the last have needed as much beside their starts as it has.
 */
import type { Start } from "@tenure/core/events";

/** In UTF-16 units: a start that is shorter is not worth its reference. */
const LEAST = 256;
const STRIDE = 4096;

interface Whole extends Start {
  /** The lengths of the texts since, without their starts. */
  since: number;
}

/** For the events of one feed. */
export class Starts {
  private readonly last = new Map<string, Whole>();

  /**
   * Parts the text of event number `of`.
   *
   * @example
   * starts.part("values", 0, '{"messages":["…a","…b"]}'); // { head: '{"messages":["…a","…b"]}' }
   * starts.part("values", 3, '{"messages":["…a","…b","c"]}'); // { start: { of: 0, text: '{"messages":["…a","…b"' }, head: ',"c"]}' }
   */
  part(event: string, of: number, text: string): { start?: Start; head: string } {
    const last = this.last.get(event);
    const length = last ? commonLength(last.text, text) : 0;
    const head = text.slice(length);
    if (last && length >= LEAST && last.since + head.length <= last.text.length) {
      last.since += head.length;
      return { start: { of: last.of, text: text.slice(0, length) }, head };
    }
    if (text.length >= LEAST) this.last.set(event, { of, text, since: 0 });
    return { head: text };
  }
}

/** How many UTF-16 units two texts begin with alike, and never half of a pair of surrogates. */
export function commonLength(one: string, other: string): number {
  const least = Math.min(one.length, other.length);
  let length = 0;
  while (length + STRIDE <= least && one.slice(length, length + STRIDE) === other.slice(length, length + STRIDE))
    length += STRIDE;
  while (length < least && one.charCodeAt(length) === other.charCodeAt(length)) length++;
  const last = one.charCodeAt(length - 1);
  return last >= 0xd800 && last < 0xdc00 ? length - 1 : length;
}
