import { rowChecksum, type SqliteRow } from "./schema.ts";

export const COLUMNS = "id, revision, create_revision, checksum, key, value";

/** A row as SQLite gives it. */
export type StoredRow = [id: number, revision: number, createRevision: number, checksum: number, key: string, value: Uint8Array | null];

/** @throws when the row is not as it was written */
export function checkedRow([id, revision, createRevision, checksum, key, value]: StoredRow): SqliteRow {
  const row = { id, revision, createRevision, key, value: value ?? undefined };
  if ((value !== null && !(value instanceof Uint8Array)) || rowChecksum(row) !== checksum) throw new Error(`the checksum of row ${id} is wrong`);
  return row;
}
