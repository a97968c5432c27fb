/** The memory of bytes that are kept: a view of a few bytes keeps all of the memory that it is a view of. */

/** The memory that an object of its own takes beside its bytes, about. */
const OVERHEAD_BYTES = 128;

/** Returns the bytes with memory of their own, where they are a part of more: of Node's pool, or of a chunk of zlib's. */
export function compact(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= bytes.length + OVERHEAD_BYTES) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

/** Compacts bytes that may be of Node's pool, of which there is never more than one slab; others may be shared on purpose. */
export const outOfPool = (bytes: Buffer): Buffer =>
  bytes.buffer.byteLength === Buffer.poolSize ? compact(bytes) : bytes;

/** The memory that all of these keep, each once that several are views of. */
export function memoryOf(all: Iterable<Uint8Array>): number {
  const seen = new Set<ArrayBufferLike>();
  let bytes = 0;
  for (const { buffer } of all) {
    bytes += OVERHEAD_BYTES;
    if (!seen.has(buffer)) bytes += buffer.byteLength;
    seen.add(buffer);
  }
  return bytes;
}
