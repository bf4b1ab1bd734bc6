import type { KubeObject } from "#apimachinery/object.ts";
import { type CachedObject, withRevision } from "./cached-object.ts";

/** A change as the cache saw it. */
export interface CacheEvent {
  readonly type: "put" | "delete";
  readonly key: string;
  readonly revision: number;
  /** The new state; for a delete, the last one under the delete's revision. */
  readonly current: CachedObject;
  /** The state before; undefined for a creation. */
  readonly previous?: CachedObject;
  /**
   * The state before, under this event's revision: what a watcher is sent whose selector the object no longer matches.
   * Undefined for a creation.
   */
  readonly departed: CachedObject | undefined;
}

export class CacheChange implements CacheEvent {
  readonly type: "put" | "delete";
  readonly key: string;
  readonly revision: number;
  readonly previous?: CachedObject;
  readonly #current: CachedObject | undefined;
  #departed: CachedObject | undefined;

  constructor(key: string, revision: number, current: CachedObject | undefined, previous: CachedObject | undefined) {
    this.type = current === undefined ? "delete" : "put";
    this.key = key;
    this.revision = revision;
    this.#current = current;
    if (previous !== undefined) this.previous = previous;
  }

  get current(): CachedObject {
    return this.#current ?? this.departed!;
  }

  get departed(): CachedObject | undefined {
    if (this.previous !== undefined) this.#departed ??= withRevision(this.previous, this.revision);
    return this.#departed;
  }
}

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED";

/** What an event means to a watcher that sees only objects which match: the type and the state to send it, if any. */
export function toWatchEvent(
  event: CacheEvent,
  matches?: (object: KubeObject) => boolean,
): { readonly type: WatchEventType; readonly state: CachedObject } | undefined {
  const { previous, current } = event;
  const before = previous !== undefined && (matches === undefined || matches(previous.object));
  const after = event.type === "put" && (matches === undefined || matches(current.object));
  if (after) return { type: before ? "MODIFIED" : "ADDED", state: current };
  return before ? { type: "DELETED", state: event.departed! } : undefined;
}
