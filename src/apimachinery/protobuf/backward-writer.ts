const FIRST_BYTES = 4096;
/** What is kept of a buffer that had to grow. */
const KEPT_BYTES = 1024 * 1024;
/** Shorter texts are copied letter by letter, which is faster than a call. */
const SHORT_TEXT = 24;
const TWO_28 = 2 ** 28;

/**
 * Writes protobuf from its end to its beginning: what a length stands before is then written already, so that nothing
 * is measured or copied twice.
 */
export class BackwardWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #at = FIRST_BYTES;

  /** How much has been written. */
  get length(): number {
    return this.#bytes.length - this.#at;
  }

  /** A number below 2^64 (beyond 2^53 as far as it has been read), or a negative one as 64 bits. */
  varint(value: number): void {
    if (value >= 0 && value < 128) {
      this.#reserve(1);
      this.#bytes[--this.#at] = value;
    } else if (value >= 0 && value < TWO_28) this.#small(value);
    else this.#large(BigInt.asUintN(64, BigInt(Math.trunc(value))));
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#bytes.writeDoubleLE(value, this.#at);
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#at -= value.length;
    this.#bytes.set(value, this.#at);
  }

  string(value: string): void {
    if (value.length <= SHORT_TEXT && this.#short(value)) return;
    const size = Buffer.byteLength(value);
    this.#reserve(size);
    this.#at -= size;
    this.#bytes.write(value, this.#at, size);
  }

  /** The length of what was written since `mark`, and the tag before it. */
  header(tag: number, mark: number): void {
    this.varint(this.length - mark);
    this.varint(tag);
  }

  /** All that was written; the writer is empty then, and can be used anew. */
  take(): Buffer {
    const written = Buffer.from(this.#bytes.subarray(this.#at));
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
    this.#at = this.#bytes.length;
    return written;
  }

  /** Forgets what was written: for a writer that somebody has thrown in the midst of. */
  clear(): void {
    this.#at = this.#bytes.length;
  }

  #short(value: string): boolean {
    this.#reserve(value.length);
    const start = this.#at - value.length;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return false;
      this.#bytes[start + i] = code;
    }
    this.#at = start;
    return true;
  }

  #small(value: number): void {
    const size = value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4;
    this.#reserve(size);
    this.#at -= size;
    let rest = value;
    for (let i = 0; i < size - 1; i++) {
      this.#bytes[this.#at + i] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#at + size - 1] = rest;
  }

  #large(value: bigint): void {
    const digits: number[] = [];
    let rest = value;
    for (; rest > 127n; rest >>= 7n) digits.push(Number(rest & 127n) | 128);
    digits.push(Number(rest));
    this.bytes(Uint8Array.from(digits));
  }

  #reserve(size: number): void {
    if (size <= this.#at) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.length + size));
    this.#bytes.copy(larger, larger.length - this.length, this.#at);
    this.#at = larger.length - this.length;
    this.#bytes = larger;
  }
}
