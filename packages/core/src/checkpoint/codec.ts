/**
 * Bytes as they are stored: one byte that names the codec, then the coded bytes. Small values are left as they
 * are, since deflating them makes them longer.
 */
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";

const PLAIN = 0;
const DEFLATE = 1;
const DEFLATE_FROM_BYTES = 128;

export async function encode(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes.length >= DEFLATE_FROM_BYTES) {
    const deflated = await promisify(deflateRaw)(bytes);
    if (deflated.length < bytes.length) return Buffer.concat([Buffer.of(DEFLATE), deflated]);
  }
  return Buffer.concat([Buffer.of(PLAIN), bytes]);
}

/** Undefined when the bytes were not made by `encode`. */
export async function decode(stored: Uint8Array): Promise<Uint8Array | undefined> {
  const body = stored.subarray(1);
  if (stored[0] === PLAIN) return body;
  if (stored[0] !== DEFLATE) return undefined;
  return promisify(inflateRaw)(body).catch(() => undefined);
}
