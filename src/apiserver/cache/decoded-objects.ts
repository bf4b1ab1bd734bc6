/** Something that can let go of its decoded form. */
interface Holder {
  release(): void;
}

/** In bytes of JSON: some thousand objects of usual size. Decoded, they take about three times as much. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * What has been decoded lately, and may be asked for again soon. Beyond it an object stays decoded as long as somebody
 * else holds it, as controllers do with what they follow; of all others the bytes are enough.
 */
export class DecodedObjects {
  /** In order of age from `#head` on. */
  #entries: { readonly holder: Holder; readonly bytes: number }[] = [];
  #head = 0;
  #bytes = 0;

  add(holder: Holder, bytes: number): void {
    this.#entries.push({ holder, bytes });
    this.#bytes += bytes;
    while (this.#bytes > MAX_BYTES && this.#head < this.#entries.length - 1) this.#releaseOldest();
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  #releaseOldest(): void {
    const { holder, bytes } = this.#entries[this.#head]!;
    this.#entries[this.#head++] = undefined as never;
    this.#bytes -= bytes;
    holder.release();
  }
}
