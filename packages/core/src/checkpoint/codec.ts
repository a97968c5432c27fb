/**
 * Bytes as they are stored: one byte that names the codec, the CRC-32 of the bytes (little-endian), then the bytes,
 * coded. Small values that deflating would only lengthen are left as they are.
 */
import { promisify } from "node:util";
import { crc32, deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib";
import { DICTIONARY } from "./dictionary.ts";

const PLAIN = 0;
/** Raw deflate (RFC 1951) with the preset dictionary of dictionary.ts. */
const DEFLATE = 1;
const HEADER_BYTES = 5;
/** A few kilobytes are done before a thread of the pool would have begun. */
const SYNC_BELOW_BYTES = 64 * 1024;

const options = { dictionary: DICTIONARY };

export async function encode(bytes: Uint8Array): Promise<Buffer> {
  const deflated =
    bytes.length < SYNC_BELOW_BYTES ? deflateRawSync(bytes, options) : await promisify(deflateRaw)(bytes, options);
  const shorter = deflated.length < bytes.length;
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = shorter ? DEFLATE : PLAIN;
  header.writeUInt32LE(crc32(bytes), 1);
  return Buffer.concat([header, shorter ? deflated : bytes]);
}

/** Undefined when these are not the bytes that `encode` made, to the last one. */
export async function decode(stored: Uint8Array): Promise<Buffer | undefined> {
  const buffer = view(stored);
  if (buffer.length < HEADER_BYTES) return undefined;
  const body = buffer.subarray(HEADER_BYTES);
  const bytes = buffer[0] === PLAIN ? body : buffer[0] === DEFLATE ? await inflate(body) : undefined;
  return bytes && crc32(bytes) === buffer.readUInt32LE(1) ? bytes : undefined;
}

async function inflate(body: Buffer): Promise<Buffer | undefined> {
  try {
    return body.length < SYNC_BELOW_BYTES ? inflateRawSync(body, options) : await promisify(inflateRaw)(body, options);
  } catch {
    return undefined;
  }
}

/** The same memory as a Buffer. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
