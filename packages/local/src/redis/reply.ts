/**
 * Redis replies and arguments as this package holds them. Strings are "binary strings": one character per
 * byte (latin1), so that they are exact for any bytes, usable as map keys, and compared byte by byte.
 */
export class Status {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** An error reply; `text` starts with its code, as in `ERR syntax error`. Thrown by commands, sent as a reply. */
export class ErrorReply extends Error {
  readonly text: string;
  constructor(text: string) {
    super(text);
    this.text = text;
  }
}

export type Reply = null | number | string | Status | ErrorReply | Reply[];

export const OK = new Status("OK");

export const wrongType = () => new ErrorReply("WRONGTYPE Operation against a key holding the wrong kind of value");
export const syntaxError = () => new ErrorReply("ERR syntax error");
export const notInteger = () => new ErrorReply("ERR value is not an integer or out of range");
export const notFloat = () => new ErrorReply("ERR value is not a valid float");

export const toBytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
export const toText = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8");
