import { checkKeys } from "./check-keys.ts";
import { CommitPlanner, type Plan, type PlannedWrite, type Version } from "./commit-planner.ts";
import type { Change, RevisionedMap } from "./revisioned-map.ts";
import type { CommitResult, Entry, ListOptions, ListResult, Store, StoreEvent, WriteOp } from "./store.ts";
import { type Sink, sinkAfter, WatchHub } from "./watch-hub.ts";

/** What a back end adds to the index in memory: somewhere to keep values. */
export interface Engine<V extends Version> {
  /** The version that `op` makes; its value becomes readable when the group is written. */
  make(op: WriteOp, revision: number, createRevision: number): V;
  /** Waits for writes that are about to come, so that they share a group; without it, those of the same turn do. */
  gather?(): Promise<void>;
  /** Makes the writes durable, all or none. Not called again before it has settled. */
  write(group: readonly PlannedWrite<V>[]): Promise<void>;
  value(version: V): Uint8Array;
  values(versions: readonly V[]): Uint8Array[];
  /** Drops the values that `changes` replaced, and the changes. Not called again before it has settled. */
  forget(changes: readonly Change<V>[], compactedRevision: number): Promise<void>;
  /** Whether the history takes more room than it should: the store then compacts the older half of it. */
  isCrowded?(): boolean;
  /** Called after a compaction while nobody writes. */
  tidy?(): Promise<void>;
  scrub?(): Promise<void>;
  close(): Promise<void>;
}

interface Waiting<V extends Version> {
  readonly plan: Plan<V>;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Transactions in one group: bounds what a commit holds in memory, and how long its callers wait. */
const MAX_GROUP = 2000;

/**
 * A store for one process: an index of all keys in memory, and an engine for the values. Transactions that arrive while
 * a group is being written form the next group; callers are answered, and watches told, after their group is durable.
 */
export class GroupedStore<V extends Version> implements Store {
  readonly #engine: Engine<V>;
  readonly #map: RevisionedMap<V>;
  readonly #planner: CommitPlanner<V>;
  readonly #hub = new WatchHub();
  #queue: Waiting<V>[] = [];
  #pumping: Promise<void> | undefined;
  #compaction: Promise<void> | undefined;
  /** The last compaction. */
  #forgetting: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(engine: Engine<V>, map: RevisionedMap<V>) {
    this.#engine = engine;
    this.#map = map;
    this.#planner = new CommitPlanner(map, (op, revision, createRevision) => engine.make(op, revision, createRevision));
  }

  revision(): number {
    return this.#map.revision;
  }

  compactedRevision(): number {
    return this.#map.compactedRevision;
  }

  commit(ops: readonly WriteOp[]): Promise<CommitResult> {
    const { promise, resolve, reject } = Promise.withResolvers<CommitResult>();
    try {
      this.#refuseIfClosed();
      checkKeys(ops);
      this.#queue.push({ plan: this.#planner.plan(ops), resolve, reject });
      this.#pumping ??= this.#pump();
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  async get(key: string): Promise<Entry | undefined> {
    const version = this.#map.get(key);
    return version && this.#entry(version, this.#engine.value(version));
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    const { items, revision, remaining } = this.#map.range(prefix, options);
    const values = this.#engine.values(items);
    return { entries: items.map((version, i) => this.#entry(version, values[i]!)), revision, remaining };
  }

  async watch(prefix: string, afterRevision: number, sink: Sink): Promise<{ stop(): void }> {
    this.#refuseIfClosed();
    const missed = this.#map.since(afterRevision, prefix).map((change) => new Event(change, this.#engine, undefined));
    const watch = this.#hub.add(prefix, afterRevision <= this.#map.revision ? sink : sinkAfter(afterRevision, sink));
    if (missed.length > 0) sink(missed);
    return watch;
  }

  async compact(revision: number): Promise<void> {
    this.#refuseIfClosed();
    await this.#forget(revision);
    if (this.#pumping === undefined && this.#closing === undefined) await this.#engine.tidy?.();
  }

  async scrub(): Promise<void> {
    this.#refuseIfClosed();
    await this.#engine.scrub?.();
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#pumping;
      this.#hub.clear();
      await this.#engine.close();
    })();
    return this.#closing;
  }

  /** Writes group after group until nothing waits. */
  async #pump(): Promise<void> {
    await Promise.resolve(); // what the caller commits in the same turn joins the first group
    while (this.#queue.length > 0) {
      await this.#engine.gather?.();
      const group = this.#queue.splice(0, MAX_GROUP);
      try {
        const writes = group.flatMap(({ plan }) => (plan.ok ? plan.writes : []));
        if (writes.length > 0) await this.#engine.write(writes);
        this.#publish(group);
        if (this.#engine.isCrowded?.()) this.#makeRoom();
      } catch (error) {
        this.#fail(group, error);
      }
      await Promise.resolve(); // answered callers that write again at once join the next group
    }
    this.#pumping = undefined;
  }

  #publish(group: readonly Waiting<V>[]): void {
    const events: StoreEvent[] = [];
    for (const { plan } of group) {
      if (!plan.ok) continue;
      const changes = this.#planner.publish(plan);
      if (this.#hub.size > 0) changes.forEach((change, i) => events.push(new Event(change, this.#engine, plan.writes[i]!.op)));
    }
    this.#hub.publish(events);
    for (const { plan, resolve } of group) resolve(plan.ok ? { ok: true, revision: plan.revision } : this.#refusal(plan));
  }

  /** In turn: were a delete's row gone before all rows that it deleted, a crash between would bring the object back. */
  #forget(revision: number): Promise<void> {
    const dropped = this.#map.compact(revision);
    const { compactedRevision } = this.#map;
    const forgotten = this.#forgetting.then(() => this.#engine.forget(dropped, compactedRevision));
    this.#forgetting = forgotten.catch(() => undefined);
    return forgotten;
  }

  /** One at a time; what it cannot do now, the next one will. */
  #makeRoom(): void {
    if (this.#compaction !== undefined) return;
    const half = this.#map.revisionToKeep(this.#map.historyLength >> 1);
    this.#compaction = this.#forget(half)
      .catch(() => undefined)
      .finally(() => (this.#compaction = undefined));
  }

  /** Later plans build on the failed ones, so they fail with them. */
  #fail(group: readonly Waiting<V>[], error: unknown): void {
    const all = [...group, ...this.#queue];
    this.#queue = [];
    this.#planner.abort();
    for (const { reject } of all) reject(error);
  }

  #refusal({ index, current }: { readonly index: number; readonly current: V | undefined }): CommitResult {
    return { ok: false, index, current: current && new LazyEntry(current, this.#engine) };
  }

  #entry({ key, createRevision, modRevision }: V, value: Uint8Array): Entry {
    return { key, value, createRevision, modRevision };
  }

  #refuseIfClosed(): void {
    if (this.#closing !== undefined) throw new Error("the store is closed");
  }
}

/** An entry whose value is read when asked for: whoever lost a race mostly knows the winner's object already. */
class LazyEntry<V extends Version> implements Entry {
  readonly #version: V;
  readonly #engine: Engine<V>;

  constructor(version: V, engine: Engine<V>) {
    this.#version = version;
    this.#engine = engine;
  }

  get key(): string {
    return this.#version.key;
  }

  get createRevision(): number {
    return this.#version.createRevision;
  }

  get modRevision(): number {
    return this.#version.modRevision;
  }

  get value(): Uint8Array {
    return this.#engine.value(this.#version);
  }
}

class Event<V extends Version> implements StoreEvent {
  readonly type: "put" | "delete";
  readonly key: string;
  readonly revision: number;
  readonly attachment?: unknown;
  readonly #version: V;
  readonly #engine: Engine<V>;
  readonly #value: Uint8Array | undefined;

  constructor(change: Change<V>, engine: Engine<V>, op: WriteOp | undefined) {
    this.type = change.current === undefined ? "delete" : "put";
    this.key = change.key;
    this.revision = change.revision;
    this.#version = (change.current ?? change.previous)!;
    this.#engine = engine;
    this.#value = op?.value;
    if (op?.attachment !== undefined) this.attachment = op.attachment;
  }

  get createRevision(): number {
    return this.#version.createRevision;
  }

  get value(): Uint8Array {
    return this.#value ?? this.#engine.value(this.#version);
  }
}
