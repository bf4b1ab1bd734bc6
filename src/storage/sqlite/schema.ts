import { crc32 } from "node:zlib";

/** One change of one key. Rows are only ever appended; compaction deletes those that nothing can show any more. */
export interface SqliteRow {
  /** Ascending in the order of the changes, never used again within a process. */
  readonly id: number;
  readonly revision: number;
  readonly createRevision: number;
  readonly key: string;
  /** `undefined`: a delete. */
  readonly value: Uint8Array | undefined;
}

/** "Skif": tells our files from other SQLite databases. */
export const APPLICATION_ID = 0x536b6966;
export const SCHEMA_VERSION = 2;
/** Four objects of usual size fit a page. */
export const PAGE_BYTES = 8192;

/**
 * The only index is the row id: the main thread knows where the newest row of each key is, so a write is one append.
 * SQLite has no checksums of its own, so each row has one, which covers all its columns.
 */
export const SCHEMA = `
CREATE TABLE changes (
  id INTEGER PRIMARY KEY,
  revision INTEGER NOT NULL,
  create_revision INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  key TEXT NOT NULL,
  value BLOB
) STRICT;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT;
INSERT INTO meta VALUES ('compacted', 0, ${metaChecksum("compacted", 0)});
`;

export function rowChecksum({ id, revision, createRevision, key, value }: SqliteRow): number {
  const head = crc32(`${id} ${revision} ${createRevision} ${value === undefined ? "-" : "+"} ${key}`);
  return value === undefined ? head : crc32(value, head);
}

export function metaChecksum(name: string, value: number): number {
  return crc32(`${name} ${value}`);
}

/** A file that is not a sound store of ours; it has been left as it was. */
export class CorruptStoreError extends Error {
  override readonly name = "CorruptStoreError";
  readonly path: string;
  /** What is wrong with it. */
  readonly what: string;

  constructor(path: string, what: string, options?: ErrorOptions) {
    super(`the database ${path} is damaged or not ours (${what}); it was left untouched: restore a backup, or move it away to start empty`, options);
    this.path = path;
    this.what = what;
  }
}
