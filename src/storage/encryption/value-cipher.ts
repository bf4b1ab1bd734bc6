import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { UnreadableValueError } from "../store.ts";

/** An AES-256 key; its name stands before every value that it encrypted. */
export interface EncryptionKey {
  readonly name: string;
  readonly secret: Uint8Array;
}

/** How an encrypted value relates to the keys at hand. */
export type ValueState = "current" | "stale" | "plain";

const ANY_PREFIX = Buffer.from("k8s:enc:");
const PREFIX = Buffer.from("k8s:enc:aesgcm:v1:");
const NAME_END = ":".charCodeAt(0);
const MAX_NAME_BYTES = 256;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts values as upstream's `aesgcm` provider does: prefix, name of the key, a random nonce, ciphertext and tag, with
 * the storage key as additional data, so a value that is copied to another key is refused. An upstream API server with the
 * same EncryptionConfiguration reads them.
 *
 * @see apiserver pkg/storage/value/encrypt/aes/aes.go
 */
export class ValueCipher {
  #keys: readonly EncryptionKey[];
  readonly #isWriting: boolean;

  /** @param isWriting false: new values stay plain, and encrypted ones can be read */
  constructor(keys: readonly EncryptionKey[], isWriting = true) {
    this.#keys = keys;
    this.#isWriting = isWriting;
  }

  get keys(): readonly EncryptionKey[] {
    return this.#keys;
  }

  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** From now on the first key encrypts; the others only read. */
  use(keys: readonly EncryptionKey[]): void {
    this.#keys = keys;
  }

  seal(storageKey: string, value: Uint8Array): Uint8Array {
    const [key] = this.#keys;
    if (!this.#isWriting || key === undefined) return value;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", key.secret, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(storageKey));
    return Buffer.concat([PREFIX, Buffer.from(`${key.name}:`), nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws {UnreadableValueError} when no key fits, or the value is not what was encrypted for this storage key */
  open(storageKey: string, stored: Uint8Array): Uint8Array {
    const bytes = asBuffer(stored);
    if (!startsWith(bytes, ANY_PREFIX)) return stored;
    const name = keyName(bytes);
    const key = this.#keys.find((candidate) => candidate.name === name);
    if (name === undefined || key === undefined) throw new UnreadableValueError(storageKey, `no key for it${name === undefined ? "" : `: ${name}`}`);
    const sealed = bytes.subarray(PREFIX.length + Buffer.byteLength(name) + 1);
    if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new UnreadableValueError(storageKey, "the stored data was shorter than the required size");
    const decipher = createDecipheriv("aes-256-gcm", key.secret, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(storageKey)).setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch (error) {
      throw new UnreadableValueError(storageKey, "cipher: message authentication failed", { cause: error });
    }
  }

  /** By the name alone; whether it can be read, `open()` tells. */
  stateOf(stored: Uint8Array): ValueState {
    const bytes = asBuffer(stored);
    if (!startsWith(bytes, ANY_PREFIX)) return "plain";
    return keyName(bytes) === this.#keys[0]?.name ? "current" : "stale";
  }
}

function keyName(bytes: Buffer): string | undefined {
  if (!startsWith(bytes, PREFIX)) return undefined;
  const end = bytes.subarray(0, PREFIX.length + MAX_NAME_BYTES).indexOf(NAME_END, PREFIX.length);
  return end < 0 ? undefined : bytes.toString("utf8", PREFIX.length, end);
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.length >= prefix.length && prefix.compare(bytes, 0, prefix.length) === 0;
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
