import { DatabaseSync } from "node:sqlite";
import { type PackedRows, packRows } from "./protocol.ts";
import type { SqliteRow } from "./schema.ts";
import { COLUMNS, checkedRow, type StoredRow } from "./stored-row.ts";

const BUSY_TIMEOUT_MS = 5000;
/** Whoever keeps a value as it is keeps its batch. */
const BATCH_BYTES = 128 * 1024;
const BATCH_ROWS = 1000;

/** What reading the whole database has found wrong. */
export class DamageError extends Error {}

/**
 * Hands out every row, in order of id, and looks whether every page is where it belongs. What rows say, their checksums
 * tell; the rest takes about 1 µs a row. Changes nothing.
 *
 * @throws {DamageError}
 */
export function loadRows(path: string, take: (rows: PackedRows) => void): void {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    readRows(db, take);
    const { quick_check: verdict } = db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    if (verdict !== "ok") throw new Error(verdict);
  } catch (error) {
    throw new DamageError((error as Error).message);
  } finally {
    db.close();
  }
}

function readRows(db: DatabaseSync, take: (rows: PackedRows) => void): void {
  const all = db.prepare(`SELECT ${COLUMNS} FROM changes ORDER BY id`);
  all.setReturnArrays(true);
  let batch: SqliteRow[] = [];
  let bytes = 0;
  for (const stored of all.iterate() as unknown as Iterable<StoredRow>) {
    const row = checkedRow(stored);
    batch.push(row);
    bytes += row.value?.length ?? 0;
    if (bytes < BATCH_BYTES && batch.length < BATCH_ROWS) continue;
    take(packRows(batch));
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) take(packRows(batch));
}
