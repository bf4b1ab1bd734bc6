import { existsSync } from "node:fs";
import type { PlannedWrite, Version } from "../commit-planner.ts";
import { type Engine, GroupedStore } from "../grouped-store.ts";
import { type Change, RevisionedMap } from "../revisioned-map.ts";
import type { Store, WriteOp } from "../store.ts";
import { checkFiles, isFilled, keepIndex } from "./file-check.ts";
import { packRows, unpackRows } from "./protocol.ts";
import { Reader } from "./reader.ts";
import { CorruptStoreError, type SqliteRow } from "./schema.ts";
import { DamageFoundError, WriterThread } from "./writer-thread.ts";

export interface SqliteStoreOptions {
  /** The database file; its directory exists. Made when missing. */
  readonly path: string;
  /** Bytes the file may grow to; beyond, writes fail with StoreFullError. */
  readonly maxBytes?: number;
  /** The writer thread's program. A bundle gives the path of its own build of `writer.ts`. */
  readonly writerEntry?: URL | string;
}

export const WRITER_ENTRY = new URL("./writer.ts", import.meta.url);

/** A version and the row that holds its value; 0 until the row is written. */
interface StoredVersion extends Version {
  id: number;
  /** Of key and value. */
  readonly bytes: number;
  /** As the start has read it, until somebody takes it: nearly all values are asked for once, by the watch cache. */
  unread: Uint8Array | undefined;
}

/** What a start finds in the file. */
interface StoredIndex {
  readonly map: RevisionedMap<StoredVersion>;
  lastId: number;
  /** Rows that an interrupted compaction has left. */
  readonly garbage: number[];
  readonly tombstones: Tombstone[];
  readonly bytes: Bytes;
}

/** What keys and values take, without the pages around them. */
interface Bytes {
  /** Of the newest states. */
  live: number;
  /** Of the states that others have replaced, as long as the history has them. */
  past: number;
}

/** The row of a delete: it holds no value, and stands in the file until compacted. */
interface Tombstone {
  readonly id: number;
  readonly revision: number;
}

/** The history may take a quarter of what is there now, or this where that is more. */
const PAST_BYTES = 4 * 1024 * 1024;
const PAST_SHARE = 1 / 4;
/** Ids deleted in one go: writes must not wait long behind a compaction. */
const COMPACTION_BATCH = 2000;

/**
 * Opens the store in an SQLite file. What was acknowledged before a crash is there again, and revisions go on.
 *
 * @throws {CorruptStoreError} when the file is damaged or not ours; it is left as it was, and so are its companions
 */
export async function openSqliteStore({ path, maxBytes, writerEntry = WRITER_ENTRY }: SqliteStoreOptions): Promise<Store> {
  const existed = existsSync(path);
  if (!existed && isFilled(`${path}-wal`)) throw new CorruptStoreError(path, "it is missing, but its write-ahead log is there");
  const writer = new WriterThread(writerEntry); // the thread starts while this one reads
  let reader: Reader | undefined;
  const restoreIndex = keepIndex(path);
  try {
    if (!existed) await writer.request({ kind: "create", path });
    checkFiles(path);
    reader = new Reader(path);
    const index = await loadIndex(path, reader.compactedRevision(), writer);
    await writer.request({ kind: "open", path, ...(maxBytes !== undefined && { maxBytes }) });
    return new GroupedStore(new SqliteEngine(reader, writer, index), index.map);
  } catch (error) {
    reader?.close();
    await writer.close().catch(() => undefined); // what went wrong first is what to tell
    if (error instanceof CorruptStoreError) restoreIndex();
    throw error;
  }
}

/** Rebuilds the newest state and the history from the rows, which the other thread reads and checks meanwhile. */
async function loadIndex(path: string, compacted: number, writer: WriterThread): Promise<StoredIndex> {
  const index: StoredIndex = {
    map: new RevisionedMap<StoredVersion>(compacted, compacted),
    garbage: [],
    tombstones: [],
    bytes: { live: 0, past: 0 },
    lastId: 0,
  };
  try {
    await writer.request({ kind: "load", path }, [], (rows) => {
      for (const row of unpackRows(rows)) addRow(index, row, compacted);
    });
  } catch (error) {
    throw error instanceof DamageFoundError ? new CorruptStoreError(path, error.message, { cause: error }) : error;
  }
  return index;
}

function addRow(index: StoredIndex, { id, key, revision, createRevision, value }: SqliteRow, compacted: number): void {
  const { map, garbage, tombstones, bytes } = index;
  const version = value && { id, key, createRevision, modRevision: revision, bytes: key.length + value.length, unread: value };
  const replaced = map.get(key);
  index.lastId = id;
  if (version === undefined) tombstones.push({ id, revision });
  if (revision > compacted) {
    count(bytes, version, replaced);
    map.apply(revision, key, version);
    return;
  }
  bytes.live += (version?.bytes ?? 0) - (replaced?.bytes ?? 0);
  if (replaced !== undefined) garbage.push(replaced.id);
  map.load(key, version);
}

function count(bytes: Bytes, current: StoredVersion | undefined, previous: StoredVersion | undefined): void {
  const replaced = previous?.bytes ?? 0;
  bytes.live += (current?.bytes ?? 0) - replaced;
  bytes.past += replaced;
}

class SqliteEngine implements Engine<StoredVersion> {
  readonly #reader: Reader;
  readonly #writer: WriterThread;
  #lastId: number;
  #tombstones: Tombstone[];
  /** Rows that nothing can show any more, until they are deleted. */
  #garbage: number[];

  readonly #bytes: Bytes;

  constructor(reader: Reader, writer: WriterThread, { lastId, garbage, tombstones, bytes }: StoredIndex) {
    this.#bytes = bytes;
    this.#reader = reader;
    this.#writer = writer;
    this.#lastId = lastId;
    this.#garbage = garbage;
    this.#tombstones = tombstones;
  }

  make({ key, value }: WriteOp, modRevision: number, createRevision: number): StoredVersion {
    return { id: 0, key, createRevision, modRevision, bytes: key.length + value!.length, unread: undefined };
  }

  /** What other connections have sent already is read first: a group costs two messages between threads, and a sync of the disk. */
  gather(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  async write(group: readonly PlannedWrite<StoredVersion>[]): Promise<void> {
    const rows = group.map(({ op: { key, value }, current, revision, previous }, i): SqliteRow => {
      const id = this.#lastId + 1 + i;
      if (current !== undefined) current.id = id;
      return { id, revision, createRevision: (current ?? previous)!.createRevision, key, value };
    });
    const packed = packRows(rows);
    await this.#writer.request({ kind: "write", rows: packed }, [packed.numbers.buffer, packed.values.buffer]);
    this.#lastId += rows.length;
    for (const { id, revision, value } of rows) if (value === undefined) this.#tombstones.push({ id, revision });
    for (const { current, previous } of group) count(this.#bytes, current, previous);
  }

  value(version: StoredVersion): Uint8Array {
    return takeUnread(version) ?? this.#reader.value(version.id);
  }

  values(versions: readonly StoredVersion[]): Uint8Array[] {
    const unread = versions.map(takeUnread);
    const others = versions.filter((_, i) => unread[i] === undefined).map(({ id }) => id);
    const read = this.#reader.values(others)[Symbol.iterator]();
    return unread.map((value) => value ?? read.next().value!);
  }

  /** Deletes in order of id: an interruption must not take a delete's row and leave the rows that it deleted. */
  async forget(changes: readonly Change<StoredVersion>[], compactedRevision: number): Promise<void> {
    for (const { previous } of changes) {
      if (previous === undefined) continue;
      this.#garbage.push(previous.id);
      this.#bytes.past -= previous.bytes;
    }
    const kept = this.#tombstones.filter(({ revision }) => revision > compactedRevision);
    for (const { id, revision } of this.#tombstones) if (revision <= compactedRevision) this.#garbage.push(id);
    this.#tombstones = kept;
    const ids = this.#garbage.sort((a, b) => a - b);
    this.#garbage = [];
    for (let done = 0; done === 0 || done < ids.length; done += COMPACTION_BATCH) {
      const batch = Float64Array.from(ids.slice(done, done + COMPACTION_BATCH));
      try {
        await this.#writer.request({ kind: "compact", ids: batch, compactedRevision }, [batch.buffer]);
      } catch (error) {
        this.#garbage.push(...ids.slice(done));
        throw error;
      }
    }
    await this.#writer.request({ kind: "shrink" });
  }

  isCrowded(): boolean {
    const { live, past } = this.#bytes;
    return past > Math.max(PAST_BYTES, live * PAST_SHARE);
  }

  tidy(): Promise<void> {
    const { live, past } = this.#bytes;
    return this.#writer.request({ kind: "tidy", bytes: live + past });
  }

  scrub(): Promise<void> {
    return this.#writer.request({ kind: "scrub" });
  }

  async close(): Promise<void> {
    this.#reader.close();
    await this.#writer.close();
  }
}

function takeUnread(version: StoredVersion): Uint8Array | undefined {
  const { unread } = version;
  version.unread = undefined;
  return unread;
}
