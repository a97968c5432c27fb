/** Finds what is new at the end of a JSON text, without parsing all of it. Pure: no I/O. */

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

export interface Tail {
  /** The place where the first element begins that is not wholly in the kept bytes; 0 when the tail is the whole text. */
  from: number;
  /** The most arrays and objects that are open at once from there on. */
  nesting: number;
}

/**
 * The elements of an array that are not wholly in the first `kept` bytes; of any other value, all of it. Reads backward from
 * the end, so that elements that were appended cost nothing for those before them. The text is as `JSON.stringify` writes it.
 */
export function tailOf(text: Uint8Array, kept: number): Tail {
  const isArray = text[0] === OPEN_ARRAY;
  let depth = 0;
  let nesting = 0;
  for (let at = text.length - 1; at >= 0; at--) {
    switch (text[at]) {
      case QUOTE:
        at = openingQuote(text, at);
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth += 1;
        if (depth > nesting) nesting = depth;
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        depth -= 1;
        break;
      case COMMA:
        if (depth === 1 && isArray && at < kept) return { from: at + 1, nesting };
        break;
    }
  }
  return { from: 0, nesting };
}

/** The place of the quote that opens the string that ends at `closing`. */
function openingQuote(text: Uint8Array, closing: number): number {
  for (let at = closing - 1; at > 0; at--) {
    if (text[at] !== QUOTE) continue;
    let first = at;
    while (text[first - 1] === BACKSLASH) first -= 1;
    if ((at - first) % 2 === 0) return at;
  }
  return 0;
}
