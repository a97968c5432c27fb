/**
 * AES-256-GCM over coded bytes. Each partition, and so each thread, has a key of its own, derived from the one that was
 * given (HKDF-SHA-256), so that random nonces do not run out. Where the bytes are stored is authenticated with them: an
 * item that was moved to another key does not open.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { Key } from "../../dynamo/index.ts";
import { TenureError } from "../../errors.ts";
import { lruOf } from "../lru.ts";

export interface EncryptionOptions {
  /** By key id, of at most 255 bytes: 32 bytes each. To rotate, add a key and name it; keep the ones that were used. */
  keys: Record<string, Uint8Array>;
  /** The id of the key that new bytes are encrypted with. */
  current: string;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export class Encryption {
  private readonly keys: Map<string, Uint8Array>;
  private readonly current: string;
  private readonly derived = lruOf<Buffer>(1000);

  constructor({ keys, current }: EncryptionOptions) {
    this.keys = new Map(Object.entries(keys));
    this.current = current;
    const problems = [...this.keys].flatMap(([id, key]) => [
      ...(key.length === KEY_BYTES ? [] : [`encryption key ${id} must have ${KEY_BYTES} bytes, not ${key.length}`]),
      ...(Buffer.byteLength(id) <= 255 ? [] : [`the id of encryption key ${id} must have at most 255 bytes`]),
    ]);
    if (!this.keys.has(current)) problems.push(`encryption key ${current}, the current one, is not among the keys`);
    if (problems.length > 0) throw new TenureError({ tag: "misconfigured", problems });
  }

  /** Length of the key id, key id, nonce, ciphertext, tag. */
  seal(bytes: Uint8Array, itemKey: Key): Buffer {
    const id = Buffer.from(this.current);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.keyOf(this.current, itemKey.pk), nonce);
    cipher.setAAD(aadOf(itemKey));
    const sealed = [cipher.update(bytes), cipher.final()];
    return Buffer.concat([Buffer.of(id.length), id, nonce, ...sealed, cipher.getAuthTag()]);
  }

  /** Undefined when these are not the bytes that were sealed for this key; throws `misconfigured` without their key. */
  open(sealed: Buffer, itemKey: Key): Buffer | undefined {
    const afterId = 1 + (sealed[0] ?? 0);
    const afterNonce = afterId + NONCE_BYTES;
    if (sealed.length < afterNonce + TAG_BYTES) return undefined;
    const key = this.keyOf(sealed.toString("utf8", 1, afterId), itemKey.pk);
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(afterId, afterNonce));
    decipher.setAAD(aadOf(itemKey));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(afterNonce, -TAG_BYTES)), decipher.final()]);
    } catch {
      return undefined;
    }
  }

  private keyOf(id: string, pk: string): Buffer {
    const name = JSON.stringify([id, pk]);
    const known = this.derived.get(name);
    if (known) return known;
    const given = this.keys.get(id);
    if (!given) throw keyMissing(id);
    const key = Buffer.from(hkdfSync("sha256", given, "", `tenure checkpoint ${pk}`, KEY_BYTES));
    this.derived.set(name, key);
    return key;
  }
}

const aadOf = ({ pk, sk }: Key): Buffer => Buffer.from(JSON.stringify([pk, sk]));

export const keyMissing = (id: string | undefined): TenureError =>
  new TenureError({
    tag: "misconfigured",
    problems: [
      id === undefined
        ? "there are encrypted checkpoints, and the saver has no encryption keys"
        : `there are checkpoints that are encrypted with key ${id}, which is not among the saver's keys`,
    ],
  });
