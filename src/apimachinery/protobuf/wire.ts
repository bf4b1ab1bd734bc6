/** Protobuf's wire format: varints, fixed-width numbers and length-delimited bytes. */

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_FIXED32 = 5;

const text = new TextEncoder();
const utf8 = new TextDecoder();
const TWO_32 = 4_294_967_296;

/** Appends to a buffer that grows. */
export class WireWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** An integer as a varint; negative ones as 64-bit two's complement. */
  varint(value: number): void {
    if (value < 0) return this.#negative(value);
    let rest = value;
    this.#reserve(10);
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  double(value: number): void {
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  float(value: number): void {
    this.#reserve(4);
    new DataView(this.#bytes.buffer).setFloat32(this.#length, value, true);
    this.#length += 4;
  }

  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  string(value: string): void {
    this.bytes(text.encode(value));
  }

  /** What was written; nothing may be written afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    this.#reserve(10);
    while (rest > 127n) {
      this.#bytes[this.#length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + size));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Reads from the front of `bytes`; throws a RangeError where they end too early. */
export class WireReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The number of an unsigned varint; beyond 2^53 it is rounded. */
  uint(): number {
    const { low, high } = this.#varint();
    return high * TWO_32 + low;
  }

  /** The number of a signed varint; beyond 2^53 it is rounded. */
  int(): number {
    const { low, high } = this.#varint();
    return high >= 0x8000_0000 ? Number(BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low))) : high * TWO_32 + low;
  }

  double(): number {
    const at = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset).getFloat64(at, true);
  }

  float(): number {
    const at = this.#take(4);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset).getFloat32(at, true);
  }

  bytes(): Uint8Array {
    const length = this.uint();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  string(): string {
    return utf8.decode(this.bytes());
  }

  skip(wireType: number): void {
    if (wireType === WIRE_VARINT) this.uint();
    else if (wireType === WIRE_FIXED64) this.#take(8);
    else if (wireType === WIRE_BYTES) this.bytes();
    else if (wireType === WIRE_FIXED32) this.#take(4);
    else throw new RangeError(`proto: illegal wireType ${wireType}`);
  }

  #varint(): { low: number; high: number } {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#take(1)]!;
      const part = byte & 127;
      if (shift < 28) low += part * 2 ** shift;
      else if (shift === 28) {
        low += (part & 15) * 2 ** 28;
        high += part >> 4;
      } else high += part * 2 ** (shift - 32);
      if (byte < 128) return { low, high: high % TWO_32 };
    }
    throw new RangeError("proto: integer overflow");
  }

  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.#bytes.length) throw new RangeError("unexpected EOF");
    this.#at = at + size;
    return at;
  }
}
