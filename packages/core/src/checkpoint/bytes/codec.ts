/**
 * Bytes as they are stored: one byte that names the codec, the CRC-32 of the bytes (little-endian), then the bytes,
 * coded. Small values that deflating would only lengthen are left as they are. With encryption, all that is sealed.
 */
import { promisify } from "node:util";
import { crc32, deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib";
import type { Key } from "../../dynamo/index.ts";
import { DICTIONARY } from "./dictionary.ts";
import { type Encryption, keyMissing } from "./encryption.ts";
import { compact } from "./memory.ts";

/** A value as the serializer gave it: its type, and its bytes. */
export interface Dumped {
  type: string;
  bytes: Buffer;
}

const PLAIN = 0;
/** Raw deflate (RFC 1951) with the preset dictionary of dictionary.ts. */
const DEFLATE = 1;
/** Bytes of one of the codecs above, encrypted by encryption.ts. */
const SEALED = 2;
const HEADER_BYTES = 5;
/** A few kilobytes are done before a thread of the pool would have begun. */
const SYNC_BELOW_BYTES = 64 * 1024;

const options = { dictionary: DICTIONARY };
/**
 * Deflates few bytes with a quarter of the memory that zlib takes by default, 256 KB for each call: it is asked of the system and cleared
 * each time. The window has room for the bytes and the dictionary.
 */
const optionsOfFew = { ...options, windowBits: 13, memLevel: 6, chunkSize: 2048 };
const FEW_BYTES = 4096;

/** `key` is the key of the item that the bytes belong to. */
export class Codec {
  private readonly encryption: Encryption | undefined;

  constructor(encryption: Encryption | undefined) {
    this.encryption = encryption;
  }

  async encode(bytes: Uint8Array, key: Key): Promise<Buffer> {
    const deflated =
      bytes.length < SYNC_BELOW_BYTES
        ? deflateRawSync(bytes, bytes.length <= FEW_BYTES ? optionsOfFew : options)
        : await promisify(deflateRaw)(bytes, options);
    const shorter = deflated.length < bytes.length;
    const header = Buffer.alloc(HEADER_BYTES);
    header[0] = shorter ? DEFLATE : PLAIN;
    header.writeUInt32LE(crc32(bytes), 1);
    return this.sealed(Buffer.concat([header, shorter ? deflated : bytes]), key);
  }

  /** Recodes bytes for another key; undefined when they are not what `encode` made for this one. */
  async recode(stored: unknown, key: Key, target: Key): Promise<Buffer | undefined> {
    if (!(await this.decode(stored, key))) return undefined;
    const coded = view(stored as Uint8Array);
    const open = coded[0] === SEALED ? this.encryption?.open(coded.subarray(1), key) : coded;
    return open && this.sealed(open, target);
  }

  private sealed(coded: Buffer, key: Key): Buffer {
    return this.encryption ? Buffer.concat([Buffer.of(SEALED), this.encryption.seal(coded, key)]) : coded;
  }

  /** Undefined when these are not the bytes that `encode` made for that key, to the last one. */
  async decode(stored: unknown, key: Key): Promise<Buffer | undefined> {
    if (!(stored instanceof Uint8Array)) return undefined;
    let coded: Buffer | undefined = view(stored);
    if (coded[0] === SEALED) {
      if (!this.encryption) throw keyMissing(undefined);
      coded = this.encryption.open(coded.subarray(1), key);
    }
    if (!coded || coded.length < HEADER_BYTES) return undefined;
    const body = coded.subarray(HEADER_BYTES);
    const bytes = coded[0] === PLAIN ? body : coded[0] === DEFLATE ? await inflate(body) : undefined;
    return bytes && crc32(bytes) === coded.readUInt32LE(1) ? compact(bytes) : undefined;
  }
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
