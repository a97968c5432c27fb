/** Finds a login code in what a person pastes or types. */

const DIGITS = 6;
/** Six digits, apart by one space or dash at most, with no further digit beside them. */
const CODE = /(?<!\d)\d(?:[\s\p{Pd}]?\d){5}(?!\d)/u;

/** A digit of any script as one of ours: those of a script are ten in a row, from its zero on. */
function latin(digit: string): string {
  const point = digit.codePointAt(0) ?? 0;
  let place = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint(point - place - 1))) place += 1;
  return String(place % 10);
}

/**
 * Returns the digits: of a code on its own, as many as there are, up to six; of a text, those of the code in it.
 *
 * @example
 * codeIn("Your code is 123 456. It works for 10 minutes."); // "123456"
 * codeIn("１２３"); // "123"
 * codeIn("٤٥٦"); // "456"
 */
export function codeIn(text: string): string {
  const plain = text
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .replace(/\p{Nd}/gu, latin);
  const found = /[^\d\s\p{Pd}]/u.test(plain) ? (CODE.exec(plain)?.[0] ?? plain) : plain;
  return found.replace(/\D/g, "").slice(0, DIGITS);
}
