import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from "node:fs";
import { CorruptStoreError, PAGE_BYTES } from "./schema.ts";
import { checkLog, checkMissingLog } from "./log-check.ts";

const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";
/** Bytes 18–23 of the header: write-ahead log for writing and reading, nothing reserved, the fixed fractions. */
const FORMAT = "020200402020";
const UTF8 = 1;

/**
 * Looks at database and log as bytes, without changing anything: SQLite would take an empty file for a new database, a
 * short one for a sound one, and a log with a damaged frame for a shorter log.
 *
 * @throws {CorruptStoreError}
 */
export function checkFiles(path: string): void {
  const hasLog = isFilled(`${path}-wal`);
  checkDatabase(path, hasLog);
  const lost = hasLog ? checkLog(path) : checkMissingLog(path);
  if (lost !== undefined) throw new CorruptStoreError(path, `its write-ahead log ${path}-wal: ${lost}`);
}

export function isFilled(path: string): boolean {
  return existsSync(path) && statSync(path).size > 0;
}

/**
 * Looking through SQLite at a database makes or renews the log's index, and may leave an empty log.
 *
 * @returns puts both back as they are now
 */
export function keepIndex(path: string): () => void {
  const log = `${path}-wal`;
  const index = `${path}-shm`;
  const hadLog = existsSync(log);
  const bytes = existsSync(index) ? readFileSync(index) : undefined;
  return () => {
    if (!hadLog && !isFilled(log)) rmSync(log, { force: true });
    if (bytes === undefined) rmSync(index, { force: true });
    else writeFileSync(index, bytes);
  };
}

function checkDatabase(path: string, hasLog: boolean): void {
  const file = openSync(path, "r");
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    if (readSync(file, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) throw new CorruptStoreError(path, "the file is cut off");
    if (header.toString("latin1", 0, 16) !== MAGIC) throw new CorruptStoreError(path, "it does not begin as a database does");
    const pageBytes = header.readUInt16BE(16);
    const isOurs = pageBytes === PAGE_BYTES && header.toString("hex", 18, 24) === FORMAT && header.readUInt32BE(56) === UTF8;
    if (!isOurs) throw new CorruptStoreError(path, "its header is not one of ours");
    const bytes = header.readUInt32BE(28) * PAGE_BYTES;
    if (!hasLog && fstatSync(file).size < bytes) throw new CorruptStoreError(path, `the file is cut off: ${fstatSync(file).size} of ${bytes} bytes`); // pages may be in the log only
  } finally {
    closeSync(file);
  }
}
