import type { Event } from "#api/core-v1/types.ts";
import type { Clock } from "#lib/clock.ts";

/** @see client-go tools/record/events_cache.go for the numbers */
const MAX_REMEMBERED = 4_096;
const SPAM_BURST = 25;
const SPAM_REFILL_MS = 300_000;
const SIMILAR_MAX = 10;
const SIMILAR_WINDOW_MS = 600_000;

export interface Correlated {
  readonly event: Event;
  /** What makes events the same. */
  readonly key: string;
  /** The name of the Event that this one repeats; its count is in `event`. */
  readonly repeats?: string;
}

interface Bucket {
  tokens: number;
  refilledMs: number;
}

interface Similar {
  readonly messages: Set<string>;
  lastMs: number;
}

interface Written {
  readonly name: string;
  readonly firstTimestamp: string | undefined;
  count: number;
  lastMs: number;
}

/** Decides what becomes of an event: written, counted onto an earlier one, told as one of many alike, or dropped. */
export class EventCorrelator {
  readonly #clock: Clock;
  readonly #buckets = new Recent<Bucket>();
  readonly #similar = new Recent<Similar>();
  readonly #written = new Recent<Written>();
  #lastStamp = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Nanoseconds in hexadecimal, never the same twice. */
  uniqueStamp(nowMs: number): string {
    const stamp = BigInt(Math.trunc(nowMs)) * 1_000_000n;
    this.#lastStamp = stamp > this.#lastStamp ? stamp : this.#lastStamp + 1n;
    return this.#lastStamp.toString(16);
  }

  /** @returns `undefined` when the object's events come too thick */
  correlate(fresh: Event): Correlated | undefined {
    const { event, key } = this.#aggregated(fresh);
    const before = this.#written.get(key);
    const nowMs = this.#clock.now();
    if (!this.#allowed(fresh, nowMs)) return undefined;
    if (before === undefined || nowMs - before.lastMs > SIMILAR_WINDOW_MS) return { event, key };
    before.count++;
    before.lastMs = nowMs;
    return { key, repeats: before.name, event: { ...event, count: before.count, firstTimestamp: before.firstTimestamp } };
  }

  /** Notes that `event` now stands in the API. */
  written(key: string, event: Event): void {
    const { name } = event.metadata;
    this.#written.set(key, { name, firstTimestamp: event.firstTimestamp, count: event.count ?? 1, lastMs: this.#clock.now() });
  }

  /** Many events that differ in their text only become one that says so. */
  #aggregated(event: Event): Pick<Correlated, "event" | "key"> {
    const key = [aboutKey(event), event.type, event.reason].join("\0");
    const nowMs = this.#clock.now();
    let similar = this.#similar.get(key);
    if (similar === undefined || nowMs - similar.lastMs > SIMILAR_WINDOW_MS) similar = { messages: new Set(), lastMs: nowMs };
    similar.lastMs = nowMs;
    similar.messages.add(event.message ?? "");
    this.#similar.set(key, similar);
    if (similar.messages.size < SIMILAR_MAX) return { event, key: [key, event.involvedObject.fieldPath, event.message].join("\0") };
    if (similar.messages.size > SIMILAR_MAX) similar.messages.delete(similar.messages.values().next().value!);
    // However the text varies from now on, it is the same event, counted up.
    return { event: { ...event, message: `(combined from similar events): ${event.message}` }, key };
  }

  #allowed(event: Event, nowMs: number): boolean {
    const key = aboutKey(event);
    const bucket = this.#buckets.get(key) ?? { tokens: SPAM_BURST, refilledMs: nowMs };
    const tokens = Math.min(SPAM_BURST, bucket.tokens + (nowMs - bucket.refilledMs) / SPAM_REFILL_MS);
    const allowed = tokens >= 1;
    this.#buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, refilledMs: nowMs });
    return allowed;
  }
}

function aboutKey({ source, involvedObject: { kind, namespace, name, uid, apiVersion } }: Event): string {
  return [source.component, source.host, kind, namespace, name, uid, apiVersion].join("\0");
}

/** A map that forgets what was set longest ago. */
class Recent<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > MAX_REMEMBERED) this.#entries.delete(this.#entries.keys().next().value!);
  }
}
