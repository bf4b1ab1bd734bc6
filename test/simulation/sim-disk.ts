import type { KubeObject } from "#apimachinery/object.ts";
import { sleep } from "#lib/clock.ts";
import type { Rng } from "#lib/rng.ts";
import type { PlannedWrite } from "#storage/commit-planner.ts";
import { type Engine, GroupedStore } from "#storage/grouped-store.ts";
import { RevisionedMap } from "#storage/revisioned-map.ts";
import { type Entry, type Store, StoreFullError, type WriteOp } from "#storage/store.ts";

import { between, type SimProcess } from "./sim-process.ts";

/** One durable change; objects are decoded when first looked at. */
export class DiskChange {
  readonly key: string;
  readonly revision: number;
  readonly atMs: number;
  readonly #current: Entry | undefined;
  readonly #previous: Entry | undefined;

  constructor({ op, revision, current, previous }: PlannedWrite<Entry>, atMs: number) {
    this.key = op.key;
    this.revision = revision;
    this.atMs = atMs;
    this.#current = current;
    this.#previous = previous;
  }

  get type(): "create" | "update" | "delete" {
    return this.#current === undefined ? "delete" : this.#previous === undefined ? "create" : "update";
  }

  /** The new state; `undefined` after a delete. */
  get object(): KubeObject | undefined {
    return this.#current && decoded(this.#current);
  }

  get before(): KubeObject | undefined {
    return this.#previous && decoded(this.#previous);
  }
}

const objects = new WeakMap<Entry, KubeObject>();

function decoded(entry: Entry): KubeObject {
  let object = objects.get(entry);
  if (object === undefined) {
    const { metadata, ...rest } = JSON.parse(Buffer.from(entry.value).toString()) as KubeObject;
    object = { metadata: { ...metadata, resourceVersion: String(entry.modRevision) }, ...rest };
    objects.set(entry, object);
  }
  return object;
}

/** When the machine dies, told before a write: `before` it has happened, or `after`, without an answer. */
export interface PlannedCrash {
  readonly phase: "before" | "after";
  /** Groups that still go well. */
  readonly afterGroups: number;
}

/** What a disk may do otherwise than a good one. */
export interface Treachery {
  readonly stored?: (key: string, object: KubeObject) => KubeObject;
  readonly forgets?: (key: string) => boolean;
}

/** What is durable: it outlives every server, and knows every change there ever was. */
export class SimDisk {
  readonly #entries = new Map<string, Entry>();
  readonly #changes = new Map<number, readonly DiskChange[]>();
  readonly #rng: Rng;
  readonly #treachery: Treachery;
  #revision = 0;
  #crash: PlannedCrash | undefined;
  /** Told of each change as soon as it is durable. */
  onChange: (change: DiskChange) => void = () => {};
  isFull = false;
  /** How long a write takes, at most. */
  slownessMs = 2;

  constructor(rng: Rng, from?: SimDisk, treachery: Treachery = {}) {
    this.#rng = rng;
    this.#treachery = treachery;
    if (from === undefined) return;
    for (const [key, entry] of from.#entries) this.#entries.set(key, entry);
    for (const [revision, changes] of from.#changes) this.#changes.set(revision, changes);
    this.#revision = from.#revision;
  }

  get revision(): number {
    return this.#revision;
  }

  get(key: string): KubeObject | undefined {
    const entry = this.#entries.get(key);
    return entry && decoded(entry);
  }

  /** Objects under a prefix, in no particular order. */
  list<T extends KubeObject>(prefix: string): T[] {
    const found: T[] = [];
    for (const [key, entry] of this.#entries) if (key.startsWith(prefix)) found.push(decoded(entry) as T);
    return found;
  }

  keys(): readonly string[] {
    return [...this.#entries.keys()].sort();
  }

  /** What became durable under a revision. */
  changesAt(revision: number): readonly DiskChange[] {
    return this.#changes.get(revision) ?? [];
  }

  planCrash(crash: PlannedCrash | undefined): void {
    this.#crash = crash;
  }

  /** The store as a process opens it that starts now. */
  open(process: SimProcess): Store {
    const map = new RevisionedMap<Entry>(this.#revision);
    for (const [key, entry] of this.#entries) map.load(key, entry);
    return new GroupedStore(this.#engineFor(process), map);
  }

  #engineFor(process: SimProcess): Engine<Entry> {
    const never = () => new Promise<never>(() => {});
    return {
      make: ({ key, value }: WriteOp, modRevision, createRevision) => ({ key, value: this.#kept(key, value!), createRevision, modRevision }),
      write: async (group) => {
        await sleep(process.clock, between(this.#rng, 0.1, this.slownessMs));
        if (this.isFull) throw new StoreFullError("no space left on the simulated disk");
        const crash = this.#due();
        if (crash?.phase !== "before") this.#apply(group, process.clock.now());
        if (crash === undefined) return;
        process.kill();
        await never();
      },
      value: ({ value }) => value,
      values: (versions) => versions.map(({ value }) => value),
      forget: async () => {},
      close: async () => {},
    };
  }

  #kept(key: string, value: Uint8Array): Uint8Array {
    const { stored } = this.#treachery;
    return stored === undefined ? value : Buffer.from(JSON.stringify(stored(key, JSON.parse(Buffer.from(value).toString()) as KubeObject)));
  }

  #due(): PlannedCrash | undefined {
    const crash = this.#crash;
    if (crash === undefined) return undefined;
    this.#crash = crash.afterGroups === 0 ? undefined : { ...crash, afterGroups: crash.afterGroups - 1 };
    return crash.afterGroups === 0 ? crash : undefined;
  }

  #apply(group: readonly PlannedWrite<Entry>[], atMs: number): void {
    for (const write of group) {
      const { op, revision, current } = write;
      if (this.#treachery.forgets?.(op.key)) continue;
      if (current === undefined) this.#entries.delete(op.key);
      else this.#entries.set(op.key, current);
      const change = new DiskChange(write, atMs);
      this.#changes.set(revision, [...(this.#changes.get(revision) ?? []), change]);
      this.#revision = revision;
      this.onChange(change);
    }
  }
}
