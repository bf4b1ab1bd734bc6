/** Smaller ones cost less to make anew. */
const MIN_BYTES = 64 * 1024;
const MAX_KEPT = 8;

/**
 * Large buffers that are used again, as a new one costs the kernel a page fault for each of its pages, and stays until the
 * collector comes by. Those that nobody uses are left to the collector.
 */
export class BufferPool {
  readonly #free = new Map<number, WeakRef<Buffer>[]>();

  /** A buffer of at least so many bytes, whose content is whatever was there. */
  take(bytes: number): Buffer {
    const size = sizeFor(bytes);
    const free = this.#free.get(size);
    for (let found = free?.pop(); found !== undefined; found = free?.pop()) {
      const buffer = found.deref();
      if (buffer !== undefined) return buffer;
    }
    return Buffer.allocUnsafeSlow(size);
  }

  /** Gives back what was taken; nobody may look at it any more. */
  give(buffer: Buffer): void {
    if (buffer.length < MIN_BYTES) return;
    const free = this.#free.get(buffer.length);
    if (free === undefined) this.#free.set(buffer.length, [new WeakRef(buffer)]);
    else if (free.length < MAX_KEPT) free.push(new WeakRef(buffer));
  }

  static pays(bytes: number): boolean {
    return bytes > MIN_BYTES / 2;
  }
}

/** The next power of two, so that few sizes serve all. */
function sizeFor(bytes: number): number {
  let size = MIN_BYTES;
  while (size < bytes) size *= 2;
  return size;
}
