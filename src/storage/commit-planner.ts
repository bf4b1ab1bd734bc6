import type { Change, RevisionedMap } from "./revisioned-map.ts";
import type { WriteOp } from "./store.ts";

/** One state of a key, wherever a back end keeps its value. */
export interface Version {
  readonly key: string;
  readonly createRevision: number;
  readonly modRevision: number;
}

/** One write of a transaction whose expectations hold; `current` is undefined for a delete. */
export interface PlannedWrite<V extends Version> {
  readonly op: WriteOp;
  readonly revision: number;
  readonly current: V | undefined;
  readonly previous: V | undefined;
}

export type Plan<V extends Version> =
  | { readonly ok: true; readonly revision: number; readonly writes: readonly PlannedWrite<V>[] }
  | { readonly ok: false; readonly index: number; readonly current: V | undefined };

/**
 * Checks transactions against the newest state, that of the ones still on their way to disk included, and gives them
 * revisions. Published state changes only when a plan is published, so a failed group leaves nothing to undo.
 */
export class CommitPlanner<V extends Version> {
  readonly #map: RevisionedMap<V>;
  readonly #make: (op: WriteOp, revision: number, createRevision: number) => V;
  /** The newest planned, unpublished state of a key. */
  readonly #inFlight = new Map<string, { readonly version: V | undefined; readonly revision: number }>();
  #revision: number;

  constructor(map: RevisionedMap<V>, make: (op: WriteOp, revision: number, createRevision: number) => V) {
    this.#map = map;
    this.#make = make;
    this.#revision = map.revision;
  }

  plan(ops: readonly WriteOp[]): Plan<V> {
    for (let index = 0; index < ops.length; index++) {
      const { key, expected } = ops[index]!;
      const current = this.#newest(key);
      if (expected !== undefined && (current?.modRevision ?? 0) !== expected) return { ok: false, index, current };
    }
    const revision = this.#revision + 1;
    const writes: PlannedWrite<V>[] = [];
    for (const op of ops) {
      const previous = this.#newest(op.key);
      if (op.value === undefined && previous === undefined) continue;
      const current = op.value === undefined ? undefined : this.#make(op, revision, previous?.createRevision ?? revision);
      writes.push({ op, revision, current, previous });
      this.#inFlight.set(op.key, { version: current, revision });
    }
    if (writes.length > 0) this.#revision = revision;
    return { ok: true, revision: this.#revision, writes };
  }

  publish(plan: Plan<V>): Change<V>[] {
    if (!plan.ok) return [];
    return plan.writes.map(({ op: { key }, current }) => {
      if (this.#inFlight.get(key)?.revision === plan.revision) this.#inFlight.delete(key);
      return this.#map.apply(plan.revision, key, current)!;
    });
  }

  /** Forgets every plan that was not published; their revisions are given out again, as nobody has seen them. */
  abort(): void {
    this.#inFlight.clear();
    this.#revision = this.#map.revision;
  }

  #newest(key: string): V | undefined {
    const planned = this.#inFlight.get(key);
    return planned === undefined ? this.#map.get(key) : planned.version;
  }
}
