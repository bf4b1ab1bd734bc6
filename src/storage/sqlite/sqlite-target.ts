import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { type MigrationTarget, TargetNotEmptyError } from "../migration.ts";
import { type Entry, type Store, StoreFullError } from "../store.ts";
import { isFilled } from "./file-check.ts";
import { packRows } from "./protocol.ts";
import { openSqliteStore, WRITER_ENTRY } from "./sqlite-store.ts";
import { WriterThread } from "./writer-thread.ts";

/** The name of a copy that is not complete. */
export const unfinishedCopyOf = (path: string): string => `${path}.migrating`;

/** A copy in an SQLite file. Entries keep their revisions, so clients do not notice that they have moved. */
export class SqliteTarget implements MigrationTarget {
  readonly #path: string;
  readonly #draft: string;
  #writer: WriterThread | undefined;
  #revision = 0;
  #lastId = 0;

  constructor(path: string) {
    this.#path = path;
    this.#draft = unfinishedCopyOf(path);
  }

  async begin(_source: string, revision: number): Promise<void> {
    for (const file of [this.#path, `${this.#path}-wal`]) if (existsSync(file)) throw new TargetNotEmptyError(`${file} is there already`);
    for (const end of ["", "-wal", "-shm"]) rmSync(this.#draft + end, { force: true });
    this.#revision = revision;
    this.#writer = new WriterThread(WRITER_ENTRY);
    await this.#writer.request({ kind: "create", path: this.#draft });
    await this.#writer.request({ kind: "open", path: this.#draft });
  }

  async put(entries: readonly Entry[]): Promise<void> {
    const rows = entries.map(({ key, value, createRevision, modRevision }) => ({ id: ++this.#lastId, revision: modRevision, createRevision, key, value }));
    const packed = packRows(rows);
    await this.#writer!.request({ kind: "write", rows: packed }, [packed.numbers.buffer, packed.values.buffer]);
  }

  async open(): Promise<Store> {
    await this.#writer!.request({ kind: "compact", ids: new Float64Array(), compactedRevision: this.#revision });
    await this.close();
    return openSqliteStore({ path: this.#draft });
  }

  async complete(): Promise<void> {
    // Where the database could not grow, the log is all that has the rest.
    if (isFilled(`${this.#draft}-wal`)) throw new StoreFullError(`no room to write: ${this.#draft} could not take in its log`);
    rmSync(`${this.#path}-shm`, { force: true });
    renameSync(this.#draft, this.#path);
    const directory = openSync(dirname(this.#path), "r");
    fsyncSync(directory);
    closeSync(directory);
    for (const end of ["-wal", "-shm"]) rmSync(this.#draft + end, { force: true });
  }

  async close(): Promise<void> {
    await this.#writer?.close();
    this.#writer = undefined;
  }
}
