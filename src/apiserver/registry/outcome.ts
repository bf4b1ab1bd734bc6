import type { KubeObject } from "#apimachinery/object.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";

/** One object (or Status) to answer with. */
export interface ObjectOutcome {
  readonly code: number;
  readonly object: KubeObject;
  /** The stored state whose bytes can be sent as they are; absent when `object` is not exactly that. */
  readonly state?: CachedObject | undefined;
}

export interface ListOutcome {
  readonly items: readonly CachedObject[];
  readonly resourceVersion: string;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}

/** A stored state: mostly its bytes are all that is wanted, and the object is decoded only if somebody looks at it. */
export class StoredOutcome implements ObjectOutcome {
  readonly code: number;
  readonly state: CachedObject;

  constructor(code: number, state: CachedObject) {
    this.code = code;
    this.state = state;
  }

  get object(): KubeObject {
    return this.state.object;
  }
}
