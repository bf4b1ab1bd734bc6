import type { ObjectMeta } from "#apimachinery/meta-v1/types.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { storagePrefix } from "#apiserver/registry/resource-table.ts";
import type { Clock, Timer } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

/** As upstream's `--event-ttl`: from the last write on. */
const EVENT_TTL_MS = 3_600_000;
const SWEEP_PERIOD_MS = 60_000;
/** What is more waits for the next sweep, so that one is never long. */
const MAX_PER_SWEEP = 1_000;

/** Removes Events that nobody has written for an hour: one timer for all of them. */
export class EventExpiry {
  readonly #cache: WatchCache;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** When each was written, so that it is decoded once and not at every sweep. */
  readonly #writtenMs = new WeakMap<CachedObject, number>();
  #timer: Timer | undefined;

  constructor(cache: WatchCache, clock: Clock, logger: Logger) {
    this.#cache = cache;
    this.#clock = clock;
    this.#logger = logger;
  }

  start(): void {
    this.#timer ??= this.#clock.every(
      SWEEP_PERIOD_MS,
      () => void this.sweep().catch((error: unknown) => this.#logger.warn("old events could not be removed", { error })),
    );
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** @returns how many Events went; one that was written meanwhile stays */
  async sweep(): Promise<number> {
    const expired: CachedObject[] = [];
    const before = this.#clock.now() - EVENT_TTL_MS;
    for (const item of this.#cache.list(storagePrefix("", "events")).items) {
      if (this.#lastWriteMs(item) > before) continue;
      expired.push(item);
      if (expired.length === MAX_PER_SWEEP) break;
    }
    const results = await Promise.all(expired.map(({ key, revision }) => this.#cache.commit([{ key, object: undefined, expected: revision }])));
    return results.filter(({ ok }) => ok).length;
  }

  #lastWriteMs(item: CachedObject): number {
    let writtenMs = this.#writtenMs.get(item);
    if (writtenMs === undefined) this.#writtenMs.set(item, (writtenMs = readLastWriteMs(item)));
    return writtenMs;
  }
}

/** What cannot be read stays, and keeps no other from going. */
function readLastWriteMs(item: CachedObject): number {
  try {
    return lastWriteMs(item.object.metadata);
  } catch {
    return Infinity;
  }
}

/** Every write leaves its time with its manager. */
export function lastWriteMs({ creationTimestamp, managedFields }: ObjectMeta): number {
  let last = Date.parse(creationTimestamp ?? "") || 0;
  for (const { time } of managedFields ?? []) last = Math.max(last, Date.parse(time ?? "") || 0);
  return last;
}
