import { sleep } from "#lib/clock.ts";
import { compareBytes } from "#lib/compare-bytes.ts";
import { checkKeys } from "../check-keys.ts";
import { CompactedError, type CommitResult, type Entry, type ListOptions, type ListResult, type Store, type StoreEvent, type WriteOp } from "../store.ts";
import { type Sink, sinkAfter, WatchHub } from "../watch-hub.ts";
import { Committer } from "./committer.ts";
import { Compactor } from "./compactor.ts";
import { EtcdConnection, type EtcdConnectionOptions } from "./connection.ts";
import { entryOf, keyOf, storeEventOf } from "./entries.ts";
import { isCompacted, isTooLarge, UnfinishedMigrationError } from "./errors.ts";
import { Feed } from "./feed.ts";
import { type EtcdEvent, keyBytes, prefixEnd, type RangeResponse } from "./messages.ts";
import { readHistory } from "./watch.ts";

export interface EtcdStoreOptions extends EtcdConnectionOptions {
  /** etcd's history does not go back any more to what this process has seen: it must begin anew. */
  readonly onLost: (error: Error) => void;
  /** How long to look for an endpoint that answers. */
  readonly openTimeoutMs?: number;
  /** Opens what a migration has not completed, too. */
  readonly unfinished?: boolean;
}

/** Stands in an etcd whose content is not complete; its value says where it is copied from. */
export const MIGRATION_KEY = "/skiff/migration";

const OPEN_TIMEOUT_MS = 10_000;
const READ_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 3000;
const PAGE = 5000;

/**
 * Opens the store in an etcd cluster, 3.4 or later, which other servers may use at the same time.
 *
 * @throws {StoreUnreachableError} when no endpoint answers
 * @throws {UnfinishedMigrationError}
 */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const connection = new EtcdConnection(options);
  try {
    const timeoutMs = options.openTimeoutMs ?? OPEN_TIMEOUT_MS;
    const { kvs, header } = await connection.read({ key: keyBytes(MIGRATION_KEY) }, timeoutMs);
    if (kvs[0] !== undefined && !options.unfinished) throw new UnfinishedMigrationError(Buffer.from(kvs[0].value).toString());
    return new EtcdStore(options, connection, header.revision, await Compactor.open(connection, header.revision, timeoutMs));
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** A store for many processes: etcd has the state and its history, this process's one watch tells of every change. */
class EtcdStore implements Store {
  readonly #options: EtcdStoreOptions;
  readonly #connection: EtcdConnection;
  readonly #compactor: Compactor;
  readonly #hub = new WatchHub();
  readonly #feed: Feed;
  readonly #committer: Committer;
  #closing: Promise<void> | undefined;

  constructor(options: EtcdStoreOptions, connection: EtcdConnection, revision: number, compactor: Compactor) {
    const { clock, logger, onLost } = options;
    this.#options = options;
    this.#connection = connection;
    this.#compactor = compactor;
    this.#feed = new Feed({ connection, revision, clock, logger, onLost, deliver: (events) => this.#deliver(events) });
    this.#committer = new Committer(connection, this.#feed, clock);
    this.#feed.start();
  }

  revision(): number {
    return this.#feed.revision;
  }

  compactedRevision(): number {
    return this.#compactor.revision;
  }

  async commit(ops: readonly WriteOp[]): Promise<CommitResult> {
    this.#refuseIfClosed();
    checkKeys(ops);
    return this.#committer.commit(ops);
  }

  async get(key: string): Promise<Entry | undefined> {
    const { kvs } = await this.#connection.read({ key: keyBytes(key) }, READ_TIMEOUT_MS);
    return kvs[0] && entryOf(kvs[0]);
  }

  /** In pages, as one answer with everything would hold etcd and this process for long. */
  async list(prefix: string, { revision = 0, limit = Infinity, startKey = prefix }: ListOptions = {}): Promise<ListResult> {
    const rangeEnd = prefixEnd(prefix);
    const entries: Entry[] = [];
    let key = keyBytes(compareBytes(startKey, prefix) > 0 ? startKey : prefix);
    let shown = revision;
    let page = PAGE;
    for (;;) {
      const answer = await this.#page({ key, rangeEnd, revision: shown, limit: Math.min(page, limit - entries.length) });
      if (answer === "too large") {
        page = Math.ceil(page / 16);
        continue;
      }
      if (shown === 0) shown = answer.header.revision;
      for (const kv of answer.kvs) entries.push(entryOf(kv));
      const remaining = answer.count - answer.kvs.length;
      if (remaining === 0 || entries.length >= limit) return { entries, revision: shown, remaining };
      key = Buffer.concat([answer.kvs.at(-1)!.key, Buffer.alloc(1)]);
    }
  }

  async watch(prefix: string, afterRevision: number, sink: Sink): Promise<{ stop(): void }> {
    this.#refuseIfClosed();
    const now = this.#feed.revision;
    if (afterRevision >= now) return this.#hub.add(prefix, sinkAfter(afterRevision, sink));
    let held: StoreEvent[] | undefined = [];
    const watch = this.#hub.add(prefix, (events) => (held === undefined ? sink(events) : held.push(...events)));
    try {
      const past = (await readHistory(this.#connection, afterRevision, now)).map((event) => storeEventOf(event, keyOf(event), undefined));
      const wanted = [...past.filter(({ key }) => key.startsWith(prefix)), ...held];
      held = undefined;
      if (wanted.length > 0) sink(wanted);
      return watch;
    } catch (error) {
      watch.stop();
      throw error;
    }
  }

  async compact(revision: number): Promise<void> {
    this.#refuseIfClosed();
    await this.#compactor.compact(Math.min(revision, this.#feed.revision));
  }

  fault(): string | undefined {
    return this.#feed.fault;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const late = new AbortController();
    await Promise.race([this.#committer.stop(), sleep(this.#options.clock, CLOSE_TIMEOUT_MS, late.signal).catch(() => {})]);
    late.abort();
    this.#hub.clear();
    this.#feed.stop();
    this.#connection.close();
  }

  async #page(request: Parameters<EtcdConnection["read"]>[0]): Promise<RangeResponse | "too large"> {
    try {
      return await this.#connection.read(request, READ_TIMEOUT_MS);
    } catch (error) {
      if (isTooLarge(error) && request.limit !== 1) return "too large";
      if (!isCompacted(error)) throw error;
      throw await this.#compactedError(request.revision ?? 0);
    }
  }

  /** etcd says only to a watch up to where it has compacted. */
  #compactedError(revision: number): Promise<unknown> {
    return readHistory(this.#connection, revision, this.#feed.revision).then(
      () => new CompactedError(revision),
      (error: unknown) => error,
    );
  }

  #deliver(events: readonly EtcdEvent[]): void {
    const told: StoreEvent[] = [];
    for (const event of events) {
      const key = keyOf(event);
      told.push(storeEventOf(event, key, this.#committer.claim(event, key)));
    }
    this.#hub.publish(told);
  }

  #refuseIfClosed(): void {
    if (this.#closing !== undefined) throw new Error("the store is closed");
  }
}
