import { createHash, type Hash } from "node:crypto";
import type { Entry, Store } from "./store.ts";

/** Where a copy goes. It is not a store that can be opened until `complete` has been called. */
export interface MigrationTarget {
  /**
   * Makes room for a copy of the state at `revision` of `source`; what an earlier attempt has left goes.
   *
   * @throws {TargetNotEmptyError}
   */
  begin(source: string, revision: number): Promise<void>;
  put(entries: readonly Entry[]): Promise<void>;
  /** Opens what has been copied, to be read back. */
  open(): Promise<Store>;
  /** Makes it the store that it is to be. */
  complete(): Promise<void>;
  close(): Promise<void>;
}

export interface MigrationReport {
  readonly entries: number;
  readonly bytes: number;
  /** SHA-256 over all keys and values. */
  readonly sha256: string;
  /** Of the source; the target's is not below it. */
  readonly revision: number;
}

export class TargetNotEmptyError extends Error {
  override readonly name = "TargetNotEmptyError";
}

/** Somebody wrote to the source while it was copied. */
export class SourceChangedError extends Error {
  override readonly name = "SourceChangedError";
}

const ROOT = "/registry/";
const PAGE = 500;

/**
 * Copies keys and values as they are, and reads them back before the target counts as complete. The source is not changed.
 *
 * @param name the source's, for messages
 */
export async function migrate(source: Store, name: string, target: MigrationTarget): Promise<MigrationReport> {
  const revision = await newestRevision(source);
  await target.begin(name, revision);
  const digest = new Digest();
  for await (const page of pages(source, revision)) {
    digest.add(page);
    await target.put(page);
  }
  const copied = digest.report(revision);
  const now = await newestRevision(source);
  if (now !== revision) throw new SourceChangedError(`${name} was written to during the copy: its revision went from ${revision} to ${now}`);
  const found = await readBack(target);
  if (found.sha256 !== copied.sha256) {
    throw new Error(`the copy is not what was copied: ${copied.entries} entries with hash ${copied.sha256}, read back ${found.entries} with ${found.sha256}`);
  }
  await target.complete();
  return copied;
}

async function newestRevision(store: Store): Promise<number> {
  return (await store.list(ROOT, { limit: 1 })).revision;
}

async function readBack(target: MigrationTarget): Promise<MigrationReport> {
  const store = await target.open();
  try {
    const revision = await newestRevision(store);
    const digest = new Digest();
    for await (const page of pages(store, revision)) digest.add(page);
    return digest.report(revision);
  } finally {
    await store.close();
  }
}

async function* pages(store: Store, revision: number): AsyncGenerator<readonly Entry[]> {
  for (let startKey = ROOT; ; ) {
    const { entries, remaining } = await store.list(ROOT, { revision, startKey, limit: PAGE });
    if (entries.length > 0) yield entries;
    if (remaining === 0) return;
    startKey = `${entries.at(-1)!.key}\0`;
  }
}

class Digest {
  readonly #hash: Hash = createHash("sha256");
  #entries = 0;
  #bytes = 0;

  add(entries: readonly Entry[]): void {
    for (const { key, value } of entries) {
      this.#hash.update(`${Buffer.byteLength(key)} ${value.length} ${key}`).update(value);
      this.#entries++;
      this.#bytes += value.length;
    }
  }

  report(revision: number): MigrationReport {
    return { entries: this.#entries, bytes: this.#bytes, sha256: this.#hash.digest("hex"), revision };
  }
}
