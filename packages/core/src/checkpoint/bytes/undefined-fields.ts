/**
 * Drops the undefined fields of LangChain's objects, messages above all, from what LangGraph's serializer has written. LangChain's loader drops
 * them too, so a message that was made in this run and one that was loaded have the same bytes, and a conversation only ever grows. Fields
 * of plain objects stay: those come back as undefined. Pure: no I/O.
 *
 * @example
 * withoutUndefinedFields(Buffer.from('{"lc":1,"type":"constructor","id":[],"kwargs":{"id":{"lc":2,"type":"undefined"}}}'));
 * // {"lc":1,"type":"constructor","id":[],"kwargs":{}}
 */

/** In text these have their quotes escaped, so that each is what it seems. */
const UNDEFINED = Buffer.from('{"lc":2,"type":"undefined"}');
const OBJECT = Buffer.from('{"lc":1,"type":"constructor"');
const [QUOTE, BACKSLASH, COMMA, OPEN, CLOSE] = ['"', "\\", ",", "{", "}"].map((one) => one.charCodeAt(0));
/** The length in bytes of a field's name from which it is left alone. */
const MAX_NAME = 100;
/** With what stands before it: the quote of a name that goes on has a backslash there. */
const FIELD = /[{,]"[\w$-]*":$/;

export function withoutUndefinedFields(bytes: Buffer): Buffer {
  let found = bytes.indexOf(UNDEFINED);
  if (found < 0 || !bytes.includes(OBJECT)) return bytes;
  const parts: Buffer[] = [];
  let done = 0;
  const scan = new Scan(bytes);
  for (; found >= 0; found = bytes.indexOf(UNDEFINED, found + 1)) {
    const name = FIELD.exec(bytes.toString("latin1", Math.max(done, found - MAX_NAME), found))?.[0];
    if (name === undefined || !scan.isInObject(found)) continue;
    // With the comma before it; the first field of an object with the one behind it.
    let [from, to] = [found - name.length, found + UNDEFINED.length];
    if (bytes[from] === OPEN) {
      from += 1;
      if (bytes[to] === COMMA) to += 1;
    }
    parts.push(bytes.subarray(done, from));
    done = to;
  }
  return parts.length === 0 ? bytes : Buffer.concat([...parts, bytes.subarray(done)]);
}

/** Tells positions in JSON that are within a LangChain object. Positions are asked in order. */
class Scan {
  private readonly bytes: Buffer;
  /** The beginning of the object that is gone through, how far that has come, and its open braces. */
  private object = -1;
  private at = 0;
  private depth = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** False, too, within an object that another one is in and comes before: rare, and then the field stays. */
  isInObject(position: number): boolean {
    const object = this.bytes.lastIndexOf(OBJECT, position);
    if (object < 0) return false;
    if (object !== this.object) [this.object, this.at, this.depth] = [object, object, 0];
    const { bytes } = this;
    for (; this.at < position; this.at++) {
      const byte = bytes[this.at];
      if (byte === QUOTE) this.at = endOfText(bytes, this.at);
      else if (byte === OPEN) this.depth += 1;
      else if (byte === CLOSE) this.depth -= 1;
      // The object has ended: nothing up to the next one is in it.
      if (this.depth === 0) return this.end(position);
    }
    return true;
  }

  private end(position: number): false {
    this.at = position;
    return false;
  }
}

/** The position of the quote that ends the text which begins at a quote. */
function endOfText(bytes: Buffer, from: number): number {
  for (let end = bytes.indexOf(QUOTE as number, from + 1); ; end = bytes.indexOf(QUOTE as number, end + 1)) {
    if (end < 0) return bytes.length;
    let escapes = 0;
    while (bytes[end - 1 - escapes] === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
}
