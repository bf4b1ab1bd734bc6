/** A set of the numbers from 0 up to, not including, its size. */
export class Bitmap {
  readonly size: number;
  readonly #words: Uint32Array;
  #count = 0;

  constructor(size: number) {
    this.size = size;
    this.#words = new Uint32Array(Math.ceil(size / 32));
  }

  /** How many numbers the set has. */
  get count(): number {
    return this.#count;
  }

  has(index: number): boolean {
    return (this.#words[index >>> 5]! & (1 << (index & 31))) !== 0;
  }

  /** @returns whether the number is new */
  add(index: number): boolean {
    if (this.has(index)) return false;
    this.#words[index >>> 5]! |= 1 << (index & 31);
    this.#count++;
    return true;
  }

  delete(index: number): void {
    if (!this.has(index)) return;
    this.#words[index >>> 5]! &= ~(1 << (index & 31));
    this.#count--;
  }

  /** The first number from `from` up to, not including, `to` that is not in the set. */
  firstAbsent(from: number, to: number): number | undefined {
    for (let index = from; index < to; index++) {
      if ((index & 31) === 0 && this.#words[index >>> 5] === 0xffffffff) index += 31;
      else if (!this.has(index)) return index;
    }
    return undefined;
  }
}
