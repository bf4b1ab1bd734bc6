import { statusError } from "#apimachinery/status-error.ts";
import { type CacheEvent, toWatchEvent, type WatchEventType } from "#apiserver/cache/cache-event.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { type Conversion, conversionOf, departedAt } from "#apiserver/registry/conversion.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import type { Selection } from "#apiserver/registry/selection.ts";

/** So many changes may wait for a webhook; a watch that falls farther behind ends, and may begin again. */
const MAX_WAITING = 10_000;

export interface Following {
  stop(): void;
  /** The newest revision up to which everything has been delivered. */
  settled(): number;
}

export interface FollowOptions extends Selection {
  readonly afterRevision: number;
  /** An event that cannot be read or converted; none comes after it. */
  onFailed(error: unknown): void;
}

/** Delivers changes as a resource's watchers see them: its view can show the states. Synchronously, but for what a webhook has to convert. */
export function follow(
  cache: WatchCache,
  served: ServedResource,
  { afterRevision, scope, matches, onFailed }: FollowOptions,
  deliver: (type: WatchEventType, state: CachedObject) => void,
): Following {
  const conversion = conversionOf(served);
  if (conversion !== undefined) {
    const queue = new ConvertedEvents(cache, conversion, matches, deliver, onFailed);
    const watch = cache.watch(served.prefix, { afterRevision, scope, onFailed: (error) => queue.fail(error) }, (event) => queue.add(event));
    return { stop: () => (watch.stop(), queue.stop()), settled: () => queue.settled() };
  }
  const watch = cache.watch(served.prefix, { afterRevision, scope, ...(matches && { matches }), onFailed }, (event) => {
    const seen = toWatchEvent(event, matches);
    if (seen !== undefined) deliver(seen.type, seen.state);
  });
  return { stop: () => watch.stop(), settled: () => cache.revision() };
}

/** Events in their order, each once its states are converted; what comes meanwhile is converted together. */
class ConvertedEvents {
  readonly #cache: WatchCache;
  readonly #conversion: Conversion;
  readonly #matches: Selection["matches"];
  readonly #deliver: (type: WatchEventType, state: CachedObject) => void;
  readonly #onFailed: (error: unknown) => void;
  #waiting: CacheEvent[] = [];
  /** The first event that is being converted. */
  #first: CacheEvent | undefined;
  #stopped = false;

  constructor(
    cache: WatchCache,
    conversion: Conversion,
    matches: Selection["matches"],
    deliver: (type: WatchEventType, state: CachedObject) => void,
    onFailed: (error: unknown) => void,
  ) {
    this.#cache = cache;
    this.#conversion = conversion;
    this.#matches = matches;
    this.#deliver = deliver;
    this.#onFailed = onFailed;
  }

  add(event: CacheEvent): void {
    if (this.#stopped) return;
    if (this.#waiting.length >= MAX_WAITING) return this.fail(statusError.expired("too many changes wait for a conversion webhook"));
    this.#waiting.push(event);
    if (this.#first === undefined) void this.#run();
  }

  settled(): number {
    return this.#first === undefined ? this.#cache.revision() : this.#first.revision - 1;
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting = [];
  }

  fail(error: unknown): void {
    if (this.#stopped) return;
    this.stop();
    this.#onFailed(error);
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const events = this.#waiting;
        this.#waiting = [];
        this.#first = events[0];
        await this.#conversion.prepare(events.flatMap((event) => this.#statesOf(event)));
        for (const event of events) if (!this.#stopped) this.#show(event);
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.#first = undefined;
    }
  }

  /** The state before counts where it may be what is shown, or decides. */
  #statesOf({ type, current, previous }: CacheEvent): CachedObject[] {
    const before = previous !== undefined && (type === "delete" || this.#matches !== undefined) ? [previous] : [];
    return type === "delete" ? before : [...before, current];
  }

  #show({ type, current, previous, revision, key }: CacheEvent): void {
    const before = previous === undefined ? undefined : (this.#conversion.known(previous) ?? previous);
    const departed = type === "delete" || this.#matches !== undefined ? before && departedAt(before, revision) : before;
    const after = type === "delete" ? departed : this.#conversion.known(current);
    if (after === undefined) return;
    const seen = toWatchEvent({ type, key, revision, current: after, ...(before && { previous: before }), departed }, this.#matches);
    if (seen !== undefined) this.#deliver(seen.type, seen.state);
  }
}
