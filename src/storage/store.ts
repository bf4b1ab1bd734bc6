/**
 * The revisioned key-value store: etcd's semantics, several back ends.
 *
 * Every transaction that writes takes the next revision; all its writes carry that one. Revisions never fall, not even
 * across restarts. A store that others write to as well may skip some.
 */
export interface Store {
  /** The newest committed revision that the watches of this process have been given. */
  revision(): number;

  /**
   * The oldest revision whose state can be listed, and after which a watch can begin: where a copy starts that is to
   * know the past, too. A back end that does not tell gives the newest.
   */
  compactedRevision(): number;

  /**
   * Performs `ops` if every expectation holds, all or none.
   *
   * Resolves once the writes are durable and every watch of this process has been given the events: a caller that
   * resumes has them in its cache. Transactions that share a key take effect in the order of the calls.
   *
   * Deleting a key that is not there writes nothing; a transaction that writes nothing takes no revision.
   *
   * @returns the revision of the writes, or the first op (by index) whose expectation failed and what stands there
   * @throws {StoreFullError} when there is no room for the write; nothing was written
   * @throws {StoreUnreachableError} when a store elsewhere does not answer; nothing was written
   * @throws {OutcomeUnknownError} when it took the write, but its answer was lost
   */
  commit(ops: readonly WriteOp[]): Promise<CommitResult>;

  /** The newest committed value of a key. */
  get(key: string): Promise<Entry | undefined>;

  /**
   * Entries whose keys start with `prefix`, in order of key (bytes).
   *
   * @throws {CompactedError} when `revision` is older than the compaction
   */
  list(prefix: string, options?: ListOptions): Promise<ListResult>;

  /**
   * Gives `sink` every event with a revision above `afterRevision` whose key starts with `prefix`: in order, each
   * once, without gaps. Events of one revision come in one call.
   *
   * @throws {CompactedError} when events after `afterRevision` were compacted away
   */
  watch(prefix: string, afterRevision: number, sink: (events: readonly StoreEvent[]) => void): Promise<{ stop(): void }>;

  /**
   * Forgets the events up to and including `revision`, and the states before it; the state at `revision` stays readable,
   * and a watch after `revision` possible, as in etcd.
   */
  compact(revision: number): Promise<void>;

  /** Leaves no trace on the disk of what was deleted or compacted; where a back end can. Writes wait meanwhile. */
  scrub?(): Promise<void>;

  /** What keeps it from taking writes now, as far as it knows. */
  fault?(): string | undefined;

  close(): Promise<void>;
}

export interface WriteOp {
  readonly key: string;
  /** The new value; `undefined` deletes the key. Values are JSON bytes without a resourceVersion. */
  readonly value: Uint8Array | undefined;
  /** The modification revision the key must have; 0: it must not exist; `undefined`: whatever. */
  readonly expected: number | undefined;
  /** Handed on, as it is, with the event to watches of this process, which so need not decode the value again. */
  readonly attachment?: unknown;
}

export type CommitResult =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly index: number; readonly current: Entry | undefined };

export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface StoreEvent {
  readonly type: "put" | "delete";
  readonly key: string;
  /**
   * The new value; for a delete, the last one (empty where that is forgotten already). May be read from disk on first use,
   * or be part of a larger buffer: take it, as a copy, while handling the event.
   */
  readonly value: Uint8Array;
  readonly revision: number;
  readonly createRevision: number;
  readonly attachment?: unknown;
}

export interface ListOptions {
  /** The state at this revision; by default the newest. */
  readonly revision?: number;
  /** At most so many entries. */
  readonly limit?: number;
  /** Begin at this key, itself included. */
  readonly startKey?: string;
}

export interface ListResult {
  readonly entries: readonly Entry[];
  /** The revision that the entries show. */
  readonly revision: number;
  /** Entries that the limit left out. */
  readonly remaining: number;
}

/** What was asked for was compacted away. */
export class CompactedError extends Error {
  override readonly name = "CompactedError";
  readonly compactedRevision: number;

  constructor(compactedRevision: number) {
    super(`revisions up to ${compactedRevision} have been compacted`);
    this.compactedRevision = compactedRevision;
  }
}

/** No room for the write; reads go on, and a later write may succeed. */
export class StoreFullError extends Error {
  override readonly name = "StoreFullError";
}

/** A write was sent, but not answered. It may have taken effect, or may yet. */
export class OutcomeUnknownError extends Error {
  override readonly name = "OutcomeUnknownError";

  constructor(reason: string, options?: ErrorOptions) {
    super(`the outcome of the write is unknown: ${reason}`, options);
  }
}

/** What one endpoint said last. */
export interface EndpointFailure {
  readonly endpoint: string;
  readonly reason: string;
  /** One side does not trust the other's certificate. */
  readonly certificate: boolean;
}

/** A store elsewhere does not answer. Nothing was written. */
export class StoreUnreachableError extends Error {
  override readonly name = "StoreUnreachableError";
  readonly failures: readonly EndpointFailure[];

  constructor(failures: readonly EndpointFailure[], options?: ErrorOptions) {
    super(`no endpoint of the datastore answers: ${failures.map(({ endpoint, reason }) => `${endpoint}: ${reason}`).join("; ")}`, options);
    this.failures = failures;
  }
}

/** A value that is there but cannot be decrypted. Upstream's words. */
export class UnreadableValueError extends Error {
  override readonly name = "UnreadableValueError";

  constructor(key: string, why: string, options?: ErrorOptions) {
    super(`unable to transform key "${key}": ${why}`, options);
  }
}
