import { compareBytes, isPlainOrder } from "#lib/compare-bytes.ts";

interface Node<V> {
  readonly key: string;
  value: V;
}

const MAX_CHUNK = 512;

/**
 * A map from strings that can be walked in the order of their bytes.
 *
 * A hash map finds an entry; sorted chunks hold the order. So a look-up and the change of a value cost O(1), an
 * insertion O(log n) plus the shift inside one chunk, and a walk O(log n) plus what it visits.
 */
export class SortedMap<V> {
  readonly #nodes = new Map<string, Node<V>>();
  readonly #chunks: Node<V>[][] = [];
  /** Whether `<` orders all keys as their bytes are ordered: it is much faster. */
  #plain = true;

  get size(): number {
    return this.#nodes.size;
  }

  get(key: string): V | undefined {
    return this.#nodes.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#nodes.has(key);
  }

  set(key: string, value: V): void {
    const node = this.#nodes.get(key);
    if (node !== undefined) {
      node.value = value;
      return;
    }
    const added = { key, value };
    this.#nodes.set(key, added);
    if (this.#plain && !isPlainOrder(key)) this.#plain = false;
    this.#insert(added);
  }

  delete(key: string): boolean {
    if (!this.#nodes.delete(key)) return false;
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at]!;
    chunk.splice(this.#lowerBound(chunk, key), 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    else this.#mergeAt(at);
    return true;
  }

  /** A cursor on the first entry whose key is `startKey` or after it. A change of the keys makes it useless. */
  cursor(startKey = ""): Cursor<V> {
    const at = this.#chunkOf(startKey);
    const chunk = this.#chunks[at];
    return new Cursor(this.#chunks, at, chunk === undefined ? 0 : this.#lowerBound(chunk, startKey));
  }

  /** How many keys start with `prefix` and are `startKey` or after it. Costs O(log n + n / 512). */
  countPrefix(prefix: string, startKey = prefix): number {
    const from = this.#rank(compareBytes(startKey, prefix) < 0 ? prefix : startKey, false);
    return Math.max(0, this.#rank(prefix, true) - from);
  }

  *values(prefix = ""): Generator<V> {
    for (const cursor = this.cursor(prefix); cursor.key?.startsWith(prefix); cursor.next()) yield cursor.value!;
  }

  #insert(node: Node<V>): void {
    const chunks = this.#chunks;
    const last = chunks.at(-1);
    if (last === undefined || this.#isBefore(last[last.length - 1]!.key, node.key)) {
      // Keys that come in order, as at start, fill whole chunks.
      if (last === undefined || last.length >= MAX_CHUNK) chunks.push([node]);
      else last.push(node);
      return;
    }
    const at = this.#chunkOf(node.key);
    const chunk = chunks[at]!;
    chunk.splice(this.#lowerBound(chunk, node.key), 0, node);
    if (chunk.length > MAX_CHUNK) chunks.splice(at + 1, 0, chunk.splice(chunk.length >> 1));
  }

  /** Joins a chunk with the next when both together are half full, so that deletions leave no trail of tiny chunks. */
  #mergeAt(at: number): void {
    const chunk = this.#chunks[at]!;
    const next = this.#chunks[at + 1];
    if (next === undefined || chunk.length + next.length > MAX_CHUNK / 2) return;
    chunk.push(...next);
    this.#chunks.splice(at + 1, 1);
  }

  /** One of both is a key of the map: that is enough for `<` to be right when all keys are plain. */
  #isBefore(a: string, b: string): boolean {
    return this.#plain ? a < b : compareBytes(a, b) < 0;
  }

  /** The first chunk whose last key is `key` or after it; the number of chunks when there is none. */
  #chunkOf(key: string): number {
    const chunks = this.#chunks;
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const chunk = chunks[middle]!;
      if (this.#isBefore(chunk[chunk.length - 1]!.key, key)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #lowerBound(chunk: readonly Node<V>[], key: string): number {
    let low = 0;
    let high = chunk.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#isBefore(chunk[middle]!.key, key)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** How many keys are before `key`; with `below`, those that start with it count, too. */
  #rank(key: string, below: boolean): number {
    const isBefore = (other: string) => this.#isBefore(other, key) || (below && other.startsWith(key));
    const at = partition(this.#chunks, (chunk) => isBefore(chunk[chunk.length - 1]!.key));
    let count = 0;
    for (let i = 0; i < at; i++) count += this.#chunks[i]!.length;
    const chunk = this.#chunks[at];
    return chunk === undefined ? count : count + partition(chunk, (node) => isBefore(node.key));
  }
}

/** A place in a SortedMap; past the end, key and value are undefined. */
class Cursor<V> {
  readonly #chunks: readonly (readonly Node<V>[])[];
  #chunk: readonly Node<V>[] | undefined;
  #at: number;
  #index: number;

  constructor(chunks: readonly (readonly Node<V>[])[], at: number, index: number) {
    this.#chunks = chunks;
    this.#at = at;
    this.#chunk = chunks[at];
    this.#index = index;
  }

  get key(): string | undefined {
    return this.#chunk?.[this.#index]?.key;
  }

  get value(): V | undefined {
    return this.#chunk?.[this.#index]?.value;
  }

  next(): void {
    if (this.#chunk === undefined || ++this.#index < this.#chunk.length) return;
    this.#chunk = this.#chunks[++this.#at];
    this.#index = 0;
  }
}

/** The length of the beginning of `items` for which `isBefore` holds. */
function partition<T>(items: readonly T[], isBefore: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(items[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}
