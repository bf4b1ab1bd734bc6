import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { parentPort } from "node:worker_threads";
import { DamageError, loadRows } from "./loader.ts";
import { type PackedRows, unpackRows, type WriterAnswer, type WriterRequest } from "./protocol.ts";
import { APPLICATION_ID, metaChecksum, PAGE_BYTES, rowChecksum, SCHEMA, SCHEMA_VERSION } from "./schema.ts";

/** SQLite's result codes for a full disk: FULL, and IOERR with WRITE or SHMSIZE. */
const FULL_CODES: readonly (number | undefined)[] = [13, 778, 4874];
const WAL_CHECKPOINT_BYTES = 4 * 1024 * 1024;
const WAL_LIMIT_BYTES = WAL_CHECKPOINT_BYTES;
const VACUUM_PAGES = 1024;
/** Of what rows take by themselves. */
const TIDY_SHARE = 1.35;
const TIDY_MAX_BYTES = 64 * 1024 * 1024;
const VACUUM_STEPS = 8;
const BUSY_TIMEOUT_MS = 5000;

/** The one connection that writes. Runs in a thread of its own, as every commit waits for the disk. */
class Writer {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;

  constructor(path: string, maxBytes: number | undefined) {
    this.#db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    this.#db.exec(
      `PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${WAL_CHECKPOINT_BYTES / PAGE_BYTES}; PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES}`,
    );
    if (maxBytes !== undefined) this.#db.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / this.#pragma("page_size"))}`);
    this.#insert = this.#db.prepare("INSERT INTO changes (id, revision, create_revision, checksum, key, value) VALUES (?, ?, ?, ?, ?, ?)");
    this.#delete = this.#db.prepare("DELETE FROM changes WHERE id = ?");
  }

  write(rows: PackedRows): void {
    this.#transaction(() => {
      for (const row of unpackRows(rows)) {
        const { id, revision, createRevision, key, value } = row;
        this.#insert.run(id, revision, createRevision, rowChecksum(row), key, value ?? null);
      }
    });
  }

  compact(ids: Float64Array, compactedRevision: number): void {
    this.#transaction(() => {
      for (const id of ids) this.#delete.run(id);
      this.#db.prepare("UPDATE meta SET value = ?, checksum = ? WHERE name = 'compacted'").run(compactedRevision, metaChecksum("compacted", compactedRevision));
    });
  }

  /** Leaves a quarter of the pages free: new rows take them. */
  shrink(): void {
    for (let step = 0; step < VACUUM_STEPS && this.#pragma("freelist_count") > VACUUM_PAGES + this.#pragma("page_count") / 4; step++) {
      this.#db.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
    }
  }

  /** Rows die here and there, which leaves pages half empty. Writes wait meanwhile, so this is for small databases, when nobody writes. */
  tidy(bytes: number): void {
    const size = this.#pragma("page_count") * PAGE_BYTES;
    if (size > TIDY_SHARE * bytes && size <= TIDY_MAX_BYTES) this.#db.exec("VACUUM");
  }

  /** Free pages and the log may hold what was deleted long ago. */
  scrub(): void {
    this.#db.exec("VACUUM");
    const { busy } = this.#db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as { busy: number };
    if (busy !== 0) throw new Error("the log could not be emptied, as it is being read");
  }

  /** On a full disk the log's own space may be what the next write, or a compaction, needs. */
  emptyLog(): void {
    try {
      this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // The database cannot grow either: the disk needs room from elsewhere.
    }
  }

  close(): void {
    this.#db.close();
  }

  #pragma(name: string): number {
    return Number(Object.values(this.#db.prepare(`PRAGMA ${name}`).get()!)[0]);
  }

  #transaction(run: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      run();
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}

/** A crash in the middle leaves a file under another name, not half a database. */
function create(path: string): void {
  const draft = `${path}.new`;
  for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(draft + end, { force: true });
  const db = new DatabaseSync(draft);
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL`); // before the first page is written
  db.exec(`BEGIN; ${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  db.exec("PRAGMA journal_mode = WAL");
  db.close();
  renameSync(draft, path);
  const directory = openSync(dirname(path), "r");
  fsyncSync(directory);
  closeSync(directory);
}

let writer: Writer | undefined;

function perform(request: WriterRequest): void {
  switch (request.kind) {
    case "create":
      return create(request.path);
    case "load":
      return loadRows(request.path, (rows) => parentPort!.postMessage({ ok: true, rows } satisfies WriterAnswer, [rows.numbers.buffer, rows.values.buffer]));
    case "open":
      writer = new Writer(request.path, request.maxBytes);
      return;
    case "write":
      return writer!.write(request.rows);
    case "compact":
      return writer!.compact(request.ids, request.compactedRevision);
    case "shrink":
      return writer!.shrink();
    case "tidy":
      return writer!.tidy(request.bytes);
    case "scrub":
      return writer!.scrub();
    case "close":
      return writer?.close();
  }
}

function answer(request: WriterRequest): WriterAnswer {
  try {
    perform(request);
    return { ok: true };
  } catch (error) {
    const { errcode, message } = error as Error & { errcode?: number };
    const full = FULL_CODES.includes(errcode);
    if (full) writer?.emptyLog();
    return { ok: false, fault: full ? "full" : error instanceof DamageError ? "corrupt" : "other", message };
  }
}

parentPort!.on("message", (request: WriterRequest) => parentPort!.postMessage(answer(request), []));
