import { DatabaseSync, type StatementSync } from "node:sqlite";
import { APPLICATION_ID, CorruptStoreError, metaChecksum, SCHEMA_VERSION } from "./schema.ts";
import { COLUMNS, checkedRow, type StoredRow } from "./stored-row.ts";

const BUSY_TIMEOUT_MS = 5000;
/** From here on, one pass over the table beats a look-up for each value. */
const SCAN_FROM = 200;

/** A connection that only reads, on the main thread: for values that are asked for now and then. */
export class Reader {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #one: StatementSync;
  readonly #range: StatementSync;

  /** @throws {CorruptStoreError} */
  constructor(path: string) {
    this.#path = path;
    this.#db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      const { user_version: version } = this.#db.prepare("PRAGMA user_version").get() as { user_version: number };
      const { application_id: application } = this.#db.prepare("PRAGMA application_id").get() as { application_id: number };
      if (application !== APPLICATION_ID) throw new Error("made by another program");
      if (version !== SCHEMA_VERSION) throw new Error(`schema version ${version}, known is ${SCHEMA_VERSION}`);
      this.#one = this.#prepare(`SELECT ${COLUMNS} FROM changes WHERE id = ?`);
      this.#range = this.#prepare(`SELECT ${COLUMNS} FROM changes WHERE id BETWEEN ? AND ? ORDER BY id`);
    } catch (error) {
      this.#db.close();
      throw this.#corrupt(error);
    }
  }

  compactedRevision(): number {
    return this.#guarded(() => {
      const { value, checksum } = this.#db.prepare("SELECT value, checksum FROM meta WHERE name = 'compacted'").get() as { value: number; checksum: number };
      if (checksum !== metaChecksum("compacted", value)) throw new Error("the checksum of the compacted revision is wrong");
      return value;
    });
  }

  value(id: number): Uint8Array {
    return this.#guarded(() => valueOf(this.#one.get(id) as unknown as StoredRow | undefined, id));
  }

  values(ids: readonly number[]): Uint8Array[] {
    if (ids.length < SCAN_FROM) return ids.map((id) => this.value(id));
    const wanted = new Map(ids.map((id, i) => [id, i]));
    const values = Array.from<Uint8Array>({ length: ids.length });
    let found = 0;
    this.#guarded(() => {
      const [low, high] = ids.reduce(([least, most], id) => [Math.min(least, id), Math.max(most, id)], [Infinity, 0]);
      for (const row of this.#range.iterate(low, high) as unknown as Iterable<StoredRow>) {
        const at = wanted.get(row[0]);
        if (at === undefined) continue;
        values[at] = valueOf(row, row[0]);
        found++;
      }
      if (found !== ids.length) throw new Error(`${ids.length - found} rows are missing`);
    });
    return values;
  }

  close(): void {
    this.#db.close();
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

function valueOf(stored: StoredRow | undefined, id: number): Uint8Array {
  const value = stored && checkedRow(stored).value;
  if (value === undefined) throw new Error(`row ${id} is missing`);
  return value;
}
