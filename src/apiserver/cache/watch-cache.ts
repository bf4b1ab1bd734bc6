import type { KubeObject } from "#apimachinery/object.ts";
import type { Clock, Timer } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import { RevisionedMap } from "#storage/revisioned-map.ts";
import { type Store, type StoreEvent, StoreFullError, type WriteOp } from "#storage/store.ts";
import { CacheChange, type CacheEvent } from "./cache-event.ts";
import { bytesOf, type CachedObject, fromStored, PendingObject } from "./cached-object.ts";
import { wants, Watchers, type Watcher, type WatchScope } from "./watchers.ts";

export interface WatchCacheOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How many events are kept for watches and lists of the past, at most. */
  readonly historySize?: number;
  /** How much JSON of states that are no longer the newest is kept for them, at most. */
  readonly historyBytes?: number;
  /** Events older than this are forgotten, here and in the store. */
  readonly historyAgeMs?: number;
}

export interface CacheWrite {
  readonly key: string;
  /** The new state; a resourceVersion in it is ignored. `undefined` deletes. */
  readonly object: KubeObject | undefined;
  /** The revision the key must have; 0: it must not exist; `undefined`: whatever. */
  readonly expected: number | undefined;
}

export type CacheCommitResult =
  /** `objects` in the order of the writes: the new states; for a delete, the last state under the delete's revision. */
  | { readonly ok: true; readonly revision: number; readonly objects: readonly (CachedObject | undefined)[] }
  | { readonly ok: false; readonly index: number; readonly current: CachedObject | undefined };

export interface CacheListOptions {
  /** The state at this revision; by default the newest. */
  readonly revision?: number;
  readonly limit?: number;
  /** Begin at this key, itself included; the next page begins at the last key with "\0" appended. */
  readonly startKey?: string;
  readonly filter?: (cached: CachedObject) => boolean;
}

export interface CacheList {
  readonly items: readonly CachedObject[];
  readonly revision: number;
  /** How many the limit left out; with a filter, 1 stands for one or more. */
  readonly remaining: number;
}

export interface WatchOptions {
  /** Begin with the first event after this revision; by default with the next event. */
  readonly afterRevision?: number;
  readonly scope?: WatchScope;
  /** Events of objects that match neither before nor after are left out. */
  readonly matches?: (object: KubeObject) => boolean;
  /** Told when the watch was stopped, because an event could not be read or the sink threw. */
  readonly onFailed?: (error: unknown) => void;
}

const ROOT = "/registry/";
/** Of a history that holds too much. */
const KEPT_SHARE = 7 / 8;
const DEFAULT_HISTORY_SIZE = 50_000;
const DEFAULT_HISTORY_BYTES = 64 * 1024 * 1024;
const DEFAULT_HISTORY_AGE_MS = 300_000;

/**
 * The whole state in memory, each object once, with the latest events. It follows the store's watch, so that what is
 * durable and what it shows are the same; reads never touch the disk.
 */
export class WatchCache {
  readonly #store: Store;
  readonly #logger: Logger;
  readonly #historySize: number;
  readonly #historyBytes: number;
  /** JSON of the states that only the history holds. */
  #supersededBytes = 0;
  readonly #map: RevisionedMap<CachedObject>;
  readonly #watchers = new Watchers();
  readonly #clock: Clock;
  /** The number of the next event. */
  #sequence = 0;
  #agedRevision: number;
  #storeCompacted: number;
  /** Events since the store was last told to compact. */
  #sinceCompaction = 0;
  /** Whether the last write found no room. */
  #isFull = false;
  #timer: Timer | undefined;
  #subscription: { stop(): void } | undefined;
  #waiting: { readonly revision: number; readonly resolve: () => void }[] = [];

  /** Loads what the store holds, its history included, so that watches go on where those of an earlier process were; and follows it. */
  static async open(store: Store, options: WatchCacheOptions): Promise<WatchCache> {
    const { entries, revision } = await store.list(ROOT, { revision: store.compactedRevision() });
    const cache = new WatchCache(store, revision, options);
    for (const entry of entries) cache.#map.load(entry.key, cache.#fromStored(entry.key, entry.modRevision, entry));
    cache.#subscription = await store.watch(ROOT, revision, (events) => cache.#take(events));
    cache.#timer = options.clock.every(options.historyAgeMs ?? DEFAULT_HISTORY_AGE_MS, () => cache.#age());
    return cache;
  }

  private constructor(store: Store, revision: number, { clock, logger, ...history }: WatchCacheOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
    this.#historySize = history.historySize ?? DEFAULT_HISTORY_SIZE;
    this.#historyBytes = history.historyBytes ?? DEFAULT_HISTORY_BYTES;
    this.#map = new RevisionedMap(revision);
    this.#agedRevision = revision;
    this.#storeCompacted = revision;
  }

  /** The newest revision that this cache shows. */
  revision(): number {
    return this.#map.revision;
  }

  /** Lists at revisions before this one, and watches after such a one, are refused. */
  compactedRevision(): number {
    return this.#map.compactedRevision;
  }

  /** Whether it hears of what the store takes. */
  get isFollowing(): boolean {
    return this.#subscription !== undefined;
  }

  /** How many objects there are under a prefix. */
  count(prefix: string): number {
    return this.#map.count(prefix);
  }

  /**
   * Writes all or none; resolves when they are durable, and this cache and its watchers have seen them.
   *
   * @throws {StoreFullError} when there is no room; nothing was written
   */
  async commit(ops: readonly CacheWrite[]): Promise<CacheCommitResult> {
    // A store that others write to may not know its own event again: then it comes without the attachment.
    const pending = ops.map(({ key, object }) => (object === undefined ? new PendingDelete() : new PendingObject(key, object)));
    const writes = ops.map(({ key, expected }, i): WriteOp => {
      const attachment = pending[i]!;
      return { key, expected, value: attachment instanceof PendingObject ? attachment.value : undefined, attachment };
    });
    const result = await this.#store.commit(writes).catch((error: unknown) => this.#refused(error));
    if (this.#isFull && result.ok) this.#hasRoom(); // a refusal has not needed any
    if (!result.ok) return { ok: false, index: result.index, current: this.#map.get(ops[result.index]!.key) };
    return { ok: true, revision: result.revision, objects: pending.map((each) => each.cached ?? each.publish(result.revision)) };
  }

  /** Told once: every write fails until there is room, and the log may be on the same disk. */
  #refused(error: unknown): never {
    if (error instanceof StoreFullError && !this.#isFull) {
      this.#isFull = true;
      this.#logger.error("the store is full: writes are refused until there is room", { error });
    }
    throw error;
  }

  #hasRoom(): void {
    this.#isFull = false;
    this.#logger.info("the store has room again");
  }

  get(key: string): CachedObject | undefined {
    return this.#map.get(key);
  }

  /**
   * Objects whose keys start with `prefix`, in order of key.
   *
   * @throws {CompactedError} when the revision is older than the history
   */
  list(prefix: string, options: CacheListOptions = {}): CacheList {
    return this.#map.range(prefix, options);
  }

  /**
   * Gives `sink` the events under `prefix` (which ends in a slash): in order, each once, synchronously as the cache
   * takes them in. The past ones that were asked for come before this returns. A sink that throws is stopped.
   *
   * @throws {CompactedError} when the history does not reach back to `afterRevision`
   */
  watch(prefix: string, options: WatchOptions, sink: (event: CacheEvent) => void): { stop(): void } {
    const { afterRevision, scope = {}, matches, onFailed } = options;
    const past = afterRevision === undefined ? [] : this.#map.since(afterRevision, prefix);
    const watcher: Watcher = { prefix, scope, matches, sink, onFailed, afterRevision: afterRevision ?? 0, next: this.#sequence };
    this.#watchers.add(watcher);
    for (const { key, revision, current, previous } of past) this.#offer(watcher, new CacheChange(key, revision, current, previous));
    return { stop: () => this.#stop(watcher) };
  }

  /** Whether the cache came to show `revision` within `timeoutMs`. */
  waitFor(revision: number, timeoutMs: number): Promise<boolean> {
    if (revision <= this.revision()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = this.#clock.after(timeoutMs, () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting);
        resolve(false);
      });
      const waiting = {
        revision,
        resolve: () => {
          timer.cancel();
          resolve(true);
        },
      };
      this.#waiting.push(waiting);
    });
  }

  /** Stops following the store, which stays open. */
  close(): void {
    this.#timer?.cancel();
    this.#subscription?.stop();
    this.#subscription = undefined;
  }

  /** Takes in all events before a watcher hears of the first: whatever a watcher reads is at least as new as its event. */
  #take(events: readonly StoreEvent[]): void {
    const changes: CacheChange[] = [];
    for (const event of events) {
      const change = this.#apply(event);
      if (change !== undefined) changes.push(change);
    }
    const first = this.#sequence;
    this.#sequence += changes.length;
    changes.forEach((change, i) => this.#watchers.deliver(change, first + i, this.#offer));
    this.#trim(changes.length);
    this.#wake();
  }

  #apply(event: StoreEvent): CacheChange | undefined {
    const { key, revision, attachment } = event;
    const current =
      event.type === "delete" ? undefined : attachment instanceof PendingObject ? attachment.publish(revision) : this.#fromStored(key, revision, event);
    const change = this.#map.apply(revision, key, current);
    if (change === undefined) return undefined;
    this.#supersededBytes += bytesOf(change.previous);
    const seen = new CacheChange(key, revision, current, change.previous);
    if (attachment instanceof PendingDelete) attachment.cached = seen.current;
    return seen;
  }

  #fromStored(key: string, revision: number, stored: { readonly value: Uint8Array }): CachedObject {
    return fromStored(key, revision, stored, (error) => this.#logger.error("an object cannot be read", { key, revision, error }));
  }

  readonly #offer = (watcher: Watcher, event: CacheEvent): void => {
    if (watcher.next === Infinity) return;
    try {
      if (wants(watcher, event)) watcher.sink(event);
    } catch (error) {
      this.#logger.error("a watcher failed and was stopped", { prefix: watcher.prefix, error });
      this.#stop(watcher);
      watcher.onFailed?.(error);
    }
  };

  #stop(watcher: Watcher): void {
    watcher.next = Infinity;
    this.#watchers.remove(watcher);
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter(({ revision }) => revision <= this.revision());
    this.#waiting = this.#waiting.filter(({ revision }) => revision > this.revision());
    for (const { resolve } of due) resolve();
  }

  /** Keeps to the size of the history; the store, which follows in larger steps, holds at most twice as much. */
  #trim(added: number): void {
    this.#forget(this.#map.revisionToKeep(this.#historySize));
    while (this.#supersededBytes > this.#historyBytes) this.#forget(this.#map.revisionToKeep(Math.floor(this.#map.historyLength * KEPT_SHARE)));
    this.#sinceCompaction += added;
    if (this.#sinceCompaction > this.#historySize && this.#map.compactedRevision > this.#storeCompacted) this.#compactStore(this.#map.compactedRevision);
  }

  /** Forgets what was there at the last round, so an event is kept for one to two periods. */
  #age(): void {
    const revision = this.#agedRevision;
    this.#agedRevision = this.revision();
    this.#forget(revision);
    this.#compactStore(revision);
  }

  #forget(revision: number): void {
    for (const { previous } of this.#map.compact(revision)) this.#supersededBytes -= bytesOf(previous);
  }

  #compactStore(revision: number): void {
    this.#sinceCompaction = 0;
    this.#storeCompacted = revision;
    this.#store.compact(revision).catch((error: unknown) => this.#logger.warn("compaction failed", { revision, error }));
  }
}

/** Stands for a delete on its way; set when published. */
class PendingDelete {
  cached: CachedObject | undefined;

  publish(): undefined {}
}
