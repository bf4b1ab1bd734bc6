import { type CommitResult, type Entry, type ListOptions, type ListResult, type Store, type StoreEvent, UnreadableValueError, type WriteOp } from "../store.ts";
import type { ValueCipher, ValueState } from "./value-cipher.ts";

/** How many values there are of each state; `unreadable` ones count in none of the others. */
export type ValueCounts = Readonly<Record<ValueState | "unreadable", number>>;

/** Values written again at a time. */
const REWRITE_BATCH = 100;

/** A store whose values under one prefix are encrypted on their way into another store, whichever that is. */
export class EncryptedStore implements Store {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #cipher: ValueCipher;
  readonly #commits = new Set<Promise<unknown>>();

  constructor(store: Store, prefix: string, cipher: ValueCipher) {
    this.#store = store;
    this.#prefix = prefix;
    this.#cipher = cipher;
  }

  revision(): number {
    return this.#store.revision();
  }

  compactedRevision(): number {
    return this.#store.compactedRevision();
  }

  commit(ops: readonly WriteOp[]): Promise<CommitResult> {
    return ops.some((op) => this.#isOurs(op)) ? this.#commitSealed(ops) : this.#store.commit(ops);
  }

  async get(key: string): Promise<Entry | undefined> {
    return this.#opened(await this.#store.get(key));
  }

  async list(prefix: string, options?: ListOptions): Promise<ListResult> {
    const result = await this.#store.list(prefix, options);
    return this.#mayHold(prefix) ? { ...result, entries: result.entries.map((entry) => this.#opened(entry)) } : result;
  }

  watch(prefix: string, afterRevision: number, sink: (events: readonly StoreEvent[]) => void): Promise<{ stop(): void }> {
    if (!this.#mayHold(prefix)) return this.#store.watch(prefix, afterRevision, sink);
    return this.#store.watch(prefix, afterRevision, (events) =>
      sink(events.map((event) => (this.#isOurs(event) ? new OpenedEvent(event, this.#cipher) : event))),
    );
  }

  compact(revision: number): Promise<void> {
    return this.#store.compact(revision);
  }

  async scrub(): Promise<void> {
    await this.#store.scrub?.();
  }

  fault(): string | undefined {
    return this.#store.fault?.();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** Looks at every value. */
  async count(): Promise<ValueCounts> {
    const counts = { current: 0, stale: 0, plain: 0, unreadable: 0 };
    for (const { key, value } of await this.#stored()) counts[this.#isReadable(key, value) ? this.#cipher.stateOf(value) : "unreadable"]++;
    return counts;
  }

  /**
   * Writes again, under the first key, all that is plain or under another one, and can be read. Writers may go on
   * meanwhile; what they write is encrypted by the first key anyway.
   *
   * @returns how many were written
   */
  async rewrite(): Promise<number> {
    await Promise.allSettled(this.#commits); // some may have been encrypted by the key before
    let rewritten = 0;
    for (;;) {
      const due = (await this.#stored()).filter(({ key, value }) => this.#cipher.stateOf(value) !== "current" && this.#isReadable(key, value));
      if (due.length === 0) return rewritten;
      for (let i = 0; i < due.length; i += REWRITE_BATCH) {
        const ops = due
          .slice(i, i + REWRITE_BATCH)
          .map(({ key, value, modRevision }) => ({ key, value: this.#cipher.open(key, value), expected: modRevision }));
        const results = await Promise.all(ops.map((op) => this.commit([op])));
        rewritten += results.filter(({ ok }) => ok).length; // the others have been written by somebody else, or are gone
      }
    }
  }

  #stored(): Promise<readonly Entry[]> {
    return this.#store.list(this.#prefix).then(({ entries }) => entries);
  }

  #isReadable(key: string, value: Uint8Array): boolean {
    try {
      this.#cipher.open(key, value);
      return true;
    } catch (error) {
      if (error instanceof UnreadableValueError) return false;
      throw error;
    }
  }

  async #commitSealed(ops: readonly WriteOp[]): Promise<CommitResult> {
    const sealed = ops.map((op) => (op.value !== undefined && this.#isOurs(op) ? { ...op, value: this.#cipher.seal(op.key, op.value) } : op));
    const commit = this.#store.commit(sealed);
    this.#commits.add(commit);
    try {
      const result = await commit;
      return result.ok ? result : { ...result, current: this.#opened(result.current) };
    } finally {
      this.#commits.delete(commit);
    }
  }

  #opened<E extends Entry | undefined>(entry: E): E {
    return entry !== undefined && this.#isOurs(entry) ? (new OpenedEntry(entry, this.#cipher) as Entry as E) : entry;
  }

  #isOurs({ key }: { readonly key: string }): boolean {
    return key.startsWith(this.#prefix);
  }

  #mayHold(prefix: string): boolean {
    return prefix.startsWith(this.#prefix) || this.#prefix.startsWith(prefix);
  }
}

/** Decrypted when its value is asked for: what cannot be read hinders nobody who does not want it. */
class OpenedEntry implements Entry {
  readonly key: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly #entry: Entry;
  readonly #cipher: ValueCipher;

  constructor(entry: Entry, cipher: ValueCipher) {
    this.key = entry.key;
    this.createRevision = entry.createRevision;
    this.modRevision = entry.modRevision;
    this.#entry = entry;
    this.#cipher = cipher;
  }

  get value(): Uint8Array {
    return this.#cipher.open(this.key, this.#entry.value);
  }
}

class OpenedEvent implements StoreEvent {
  readonly type: "put" | "delete";
  readonly key: string;
  readonly revision: number;
  readonly createRevision: number;
  readonly attachment?: unknown;
  readonly #event: StoreEvent;
  readonly #cipher: ValueCipher;

  constructor(event: StoreEvent, cipher: ValueCipher) {
    this.type = event.type;
    this.key = event.key;
    this.revision = event.revision;
    this.createRevision = event.createRevision;
    if (event.attachment !== undefined) this.attachment = event.attachment;
    this.#event = event;
    this.#cipher = cipher;
  }

  get value(): Uint8Array {
    return this.#cipher.open(this.key, this.#event.value);
  }
}
