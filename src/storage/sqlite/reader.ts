import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { APPLICATION_ID, CorruptStoreError, SCHEMA_VERSION } from "./schema.ts";

const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";
const BUSY_TIMEOUT_MS = 5000;
/** From here on, one pass over the table beats a look-up for each value. */
const SCAN_FROM = 200;

export interface IndexRow {
  readonly id: number;
  readonly revision: number;
  readonly createRevision: number;
  readonly key: string;
  readonly deleted: boolean;
}

type Stored = [id: number, checksum: number, value: Uint8Array | null];

/** A connection that only reads, on the main thread: for starting up, and for values that are asked for now and then. */
export class Reader {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #one: StatementSync;
  readonly #range: StatementSync;

  /** @throws {CorruptStoreError} */
  constructor(path: string) {
    this.#path = path;
    checkFile(path);
    this.#db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      const { user_version: version } = this.#db.prepare("PRAGMA user_version").get() as { user_version: number };
      const { application_id: application } = this.#db.prepare("PRAGMA application_id").get() as { application_id: number };
      if (application !== APPLICATION_ID) throw new Error("made by another program");
      if (version !== SCHEMA_VERSION) throw new Error(`schema version ${version}, known is ${SCHEMA_VERSION}`);
      const { quick_check: verdict } = this.#db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string }; // about 1 µs a row
      if (verdict !== "ok") throw new Error(verdict);
      this.#one = this.#prepare("SELECT id, checksum, value FROM changes WHERE id = ?");
      this.#range = this.#prepare("SELECT id, checksum, value FROM changes WHERE id BETWEEN ? AND ? ORDER BY id");
    } catch (error) {
      this.#db.close();
      throw this.#corrupt(error);
    }
  }

  compactedRevision(): number {
    return this.#guarded(() => (this.#db.prepare("SELECT value FROM meta WHERE name = 'compacted'").get() as { value: number }).value);
  }

  /** Every row without its value, in order of id. */
  rows(): IndexRow[] {
    const rows = this.#prepare("SELECT id, revision, create_revision, key, value IS NULL FROM changes ORDER BY id");
    type Row = [number, number, number, string, number];
    return this.#guarded(() =>
      (rows.all() as unknown as Row[]).map(([id, revision, createRevision, key, deleted]) => ({ id, revision, createRevision, key, deleted: deleted === 1 })),
    );
  }

  value(id: number): Uint8Array {
    return this.#guarded(() => this.#checked(this.#one.get(id) as unknown as Stored | undefined, id));
  }

  values(ids: readonly number[]): Uint8Array[] {
    if (ids.length < SCAN_FROM) return ids.map((id) => this.value(id));
    const wanted = new Map(ids.map((id, i) => [id, i]));
    const values = Array.from<Uint8Array>({ length: ids.length });
    let found = 0;
    this.#guarded(() => {
      const [low, high] = ids.reduce(([least, most], id) => [Math.min(least, id), Math.max(most, id)], [Infinity, 0]);
      for (const row of this.#range.iterate(low, high) as unknown as Iterable<Stored>) {
        const at = wanted.get(row[0]);
        if (at === undefined) continue;
        values[at] = this.#checked(row, row[0]);
        found++;
      }
      if (found !== ids.length) throw new Error(`${ids.length - found} rows are missing`);
    });
    return values;
  }

  close(): void {
    this.#db.close();
  }

  #checked(row: Stored | undefined, id: number): Uint8Array {
    const [, checksum, value] = row ?? [];
    if (!(value instanceof Uint8Array)) throw new Error(`row ${id} is missing`);
    if (crc32(value) !== checksum) throw new Error(`the checksum of row ${id} is wrong`);
    return value;
  }

  #prepare(sql: string): StatementSync {
    const statement = this.#db.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  }

  #guarded<R>(read: () => R): R {
    try {
      return read();
    } catch (error) {
      throw this.#corrupt(error);
    }
  }

  #corrupt(error: unknown): CorruptStoreError {
    if (error instanceof CorruptStoreError) return error;
    return new CorruptStoreError(this.#path, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Looks at the file as bytes: SQLite would take an empty file for a new database, and a short one for a sound one. */
function checkFile(path: string): void {
  const file = openSync(path, "r");
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    if (readSync(file, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) throw new CorruptStoreError(path, "the file is cut off");
    if (header.toString("latin1", 0, 16) !== MAGIC) throw new CorruptStoreError(path, "it does not begin as a database does");
    const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
    const bytes = header.readUInt32BE(28) * pageSize;
    const log = `${path}-wal`;
    const hasLog = existsSync(log) && statSync(log).size > 0; // pages may be in the log only
    if (!hasLog && fstatSync(file).size < bytes) throw new CorruptStoreError(path, `the file is cut off: ${fstatSync(file).size} of ${bytes} bytes`);
  } finally {
    closeSync(file);
  }
}
