import { compareBytes } from "#lib/compare-bytes.ts";
import { SortedMap } from "#lib/sorted-map.ts";
import { CompactedError } from "./store.ts";

/** A change of one key: a put has `current`; a delete has `previous` only. */
export interface Change<T> {
  readonly key: string;
  readonly revision: number;
  readonly current: T | undefined;
  readonly previous: T | undefined;
}

export interface RangeOptions<T> {
  readonly revision?: number;
  readonly limit?: number;
  readonly startKey?: string;
  readonly filter?: (item: T) => boolean;
}

export interface RangeResult<T> {
  readonly items: T[];
  readonly revision: number;
  /** How many the limit left out; with a filter, 1 stands for one or more. */
  readonly remaining: number;
}

/** What differs from the newest state at an older revision; it grows with the changes that come after. */
interface PastView<T> {
  readonly prefix: string;
  readonly revision: number;
  readonly items: SortedMap<T | undefined>;
  /** The first change, by its number, that the view has not taken in. */
  next: number;
}

const MAX_PAST_VIEWS = 16;

/**
 * Keys with their newest state and the changes since the last compaction, from which older states are rebuilt.
 * Knows nothing of durability: back ends and the watch cache apply what has been committed.
 */
export class RevisionedMap<T> {
  readonly #live = new SortedMap<T>();
  #revision: number;
  #compacted: number;
  /** Ordered by revision; entries before `#head` are forgotten and cut off in bulk. */
  #history: Change<T>[] = [];
  #head = 0;
  /** The number of `#history[0]`; numbers are never used again. */
  #base = 0;
  readonly #views: PastView<T>[] = [];

  constructor(revision = 0, compactedRevision = revision) {
    this.#revision = revision;
    this.#compacted = compactedRevision;
  }

  get revision(): number {
    return this.#revision;
  }

  /** States before this revision are forgotten, and the changes up to it. */
  get compactedRevision(): number {
    return this.#compacted;
  }

  get historyLength(): number {
    return this.#history.length - this.#head;
  }

  get size(): number {
    return this.#live.size;
  }

  get(key: string): T | undefined {
    return this.#live.get(key);
  }

  /** How many keys start with `prefix`. */
  count(prefix: string): number {
    return this.#live.countPrefix(prefix);
  }

  /** Takes in a state without a history; for loading. */
  load(key: string, item: T | undefined): void {
    if (item === undefined) this.#live.delete(key);
    else this.#live.set(key, item);
  }

  /** Takes in a change of a revision that is not below the newest; deleting what is not there changes nothing. */
  apply(revision: number, key: string, current: T | undefined): Change<T> | undefined {
    const previous = this.#live.get(key);
    if (revision > this.#revision) this.#revision = revision;
    if (current !== undefined) this.#live.set(key, current);
    else if (!this.#live.delete(key)) return undefined;
    const change = { key, revision, current, previous };
    this.#history.push(change);
    return change;
  }

  /**
   * Items in order of key.
   *
   * @throws {CompactedError} when `revision` was compacted
   */
  range(prefix: string, options: RangeOptions<T> = {}): RangeResult<T> {
    const { revision = this.#revision, limit = Infinity, filter } = options;
    const startKey = options.startKey === undefined || compareBytes(options.startKey, prefix) < 0 ? prefix : options.startKey;
    if (revision < this.#compacted) throw new CompactedError(this.#compacted);
    const past = revision < this.#revision ? this.#pastView(prefix, revision).items : undefined;
    const items: T[] = [];
    let remaining = 0;
    this.#walk(prefix, startKey, past, (item) => {
      if (filter !== undefined && !filter(item)) return true;
      if (items.length < limit) return items.push(item) > 0;
      remaining = 1;
      return false;
    });
    if (remaining > 0 && filter === undefined) remaining = this.#count(prefix, startKey, past) - items.length;
    return { items, revision: Math.min(revision, this.#revision), remaining };
  }

  /** @throws {CompactedError} when changes after `afterRevision` were compacted away */
  since(afterRevision: number, prefix: string): Change<T>[] {
    if (afterRevision < this.#compacted) throw new CompactedError(this.#compacted);
    const changes: Change<T>[] = [];
    for (let i = this.#indexAfter(afterRevision); i < this.#history.length; i++) {
      const change = this.#history[i]!;
      if (change.key.startsWith(prefix)) changes.push(change);
    }
    return changes;
  }

  /** Forgets changes up to `revision` and the states before it; gives the changes. */
  compact(revision: number): Change<T>[] {
    const target = Math.min(revision, this.#revision);
    if (target <= this.#compacted) return [];
    this.#compacted = target;
    const end = this.#indexAfter(target);
    const dropped = this.#history.slice(this.#head, end);
    this.#history.fill(undefined as never, this.#head, end);
    this.#head = end;
    if (this.#head > 1024 && this.#head * 2 > this.#history.length) this.#cutHistory();
    for (let i = this.#views.length - 1; i >= 0; i--) if (this.#views[i]!.revision < target) this.#views.splice(i, 1);
    return dropped;
  }

  /** The revision to compact to, so that at most `count` changes are kept. */
  revisionToKeep(count: number): number {
    if (this.historyLength <= count) return this.#compacted;
    return this.#history[this.#history.length - count - 1]!.revision;
  }

  #cutHistory(): void {
    this.#history = this.#history.slice(this.#head);
    this.#base += this.#head;
    this.#head = 0;
  }

  /** The index of the first change above `revision`. */
  #indexAfter(revision: number): number {
    let low = this.#head;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#history[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Views are kept, so that the pages of one list do not each read the history again. */
  #pastView(prefix: string, revision: number): PastView<T> {
    let view = this.#views.find((each) => each.revision === revision && each.prefix === prefix);
    if (view === undefined) {
      view = { prefix, revision, items: new SortedMap(), next: this.#base + this.#indexAfter(revision) };
      if (this.#views.push(view) > MAX_PAST_VIEWS) this.#views.shift();
    }
    for (const end = this.#base + this.#history.length; view.next < end; view.next++) {
      const { key, previous } = this.#history[view.next - this.#base]!;
      if (key.startsWith(prefix) && !view.items.has(key)) view.items.set(key, previous);
    }
    return view;
  }

  #count(prefix: string, startKey: string, past: SortedMap<T | undefined> | undefined): number {
    let count = this.#live.countPrefix(prefix, startKey);
    for (const old = past?.cursor(startKey); old?.key !== undefined; old.next()) {
      count += (old.value === undefined ? 0 : 1) - (this.#live.has(old.key) ? 1 : 0);
    }
    return count;
  }

  /** Visits in order of key what `past` has, and the newest state of the other keys, until `visit` says false. */
  #walk(prefix: string, startKey: string, past: SortedMap<T | undefined> | undefined, visit: (item: T) => boolean): void {
    const live = this.#live.cursor(startKey);
    const old = past?.cursor(startKey);
    for (;;) {
      const liveKey = live.key?.startsWith(prefix) ? live.key : undefined;
      const oldKey = old?.key;
      if (liveKey === undefined && oldKey === undefined) return;
      const order = oldKey === undefined ? -1 : liveKey === undefined ? 1 : compareBytes(liveKey, oldKey);
      const item = order < 0 ? live.value : old!.value;
      if (order <= 0) live.next();
      if (order >= 0) old!.next();
      if (item !== undefined && !visit(item)) return;
    }
  }
}
